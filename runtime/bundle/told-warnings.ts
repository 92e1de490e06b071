// Which warnings are news. Handlers that share a module share its warnings, and every build brings them again.
import { formatPlace, type RuntimeError } from "../errors.ts";

export class ToldWarnings {
  private readonly byHandler = new Map<string, ReadonlySet<string>>();

  /** Those of the handler's newest build that no handler had before. */
  news(handler: string, warnings: readonly RuntimeError[]): RuntimeError[] {
    const known = new Set([...this.byHandler.values()].flatMap((keys) => [...keys]));
    const keyed = new Map(warnings.map((warning) => [keyOf(warning), warning]));
    if (keyed.size === 0) this.byHandler.delete(handler);
    else this.byHandler.set(handler, new Set(keyed.keys()));
    return [...keyed].filter(([key]) => !known.has(key)).map(([, warning]) => warning);
  }
}

function keyOf({ place, message, handler = "" }: RuntimeError): string {
  return `${place === undefined ? "" : formatPlace(place)} ${message.replace(`"${handler}"`, "")}`;
}
