// Everything wrong with the configuration, gathered, and told in one error.

import { formatPlace, RuntimeError, type SourcePlace } from "../errors.ts";
import type { Read } from "../metadata/options.ts";

export interface ConfigProblem {
  /** `defaults.timeout must be ...` */
  readonly text: string;
  /** The place in the file, or what else said it: `environment`, `command line`. */
  readonly where: SourcePlace | string;
}

export class ConfigProblems {
  readonly #found: ConfigProblem[] = [];

  add(where: ConfigProblem["where"], text: string): void {
    this.#found.push({ where, text });
  }

  /** The value that was read, or undefined after noting why it could not be. */
  take<T>(where: ConfigProblem["where"], name: string, read: Read<T>): T | undefined {
    if ("value" in read) return read.value;
    this.add(where, `${name} ${read.problem}`);
    return undefined;
  }

  /** Throws CONFIG_INVALID when there is any problem. */
  throwIfAny(): void {
    const found = this.#found.toSorted((a, b) => lineOf(a) - lineOf(b));
    const [first] = found;
    if (first === undefined) return;
    if (found.length === 1) {
      const place = typeof first.where === "string" ? {} : { place: first.where };
      const prefix = typeof first.where === "string" ? `${first.where}: ` : "";
      throw new RuntimeError("CONFIG_INVALID", `${prefix}${first.text}`, place);
    }
    const lines = found.map(({ where, text }) => {
      return `\n  ${typeof where === "string" ? where : formatPlace(where)}: ${text}`;
    });
    throw new RuntimeError("CONFIG_INVALID", `the configuration has ${lines.length} problems:${lines.join("")}`);
  }
}

/** Problems of the file come first, in its own order. */
function lineOf({ where }: ConfigProblem): number {
  return typeof where === "string" ? Number.MAX_SAFE_INTEGER : (where.line ?? 0);
}
