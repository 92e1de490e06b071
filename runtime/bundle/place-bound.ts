// Packages that work only where they are installed: bundled, they would look for what belongs to them in the wrong place.
//
// W1  One that asks where it lies looks for files of its own there: workers, templates, data, compiled code.
// W2  One that loads by a name which only it knows, when it runs, looks for other packages: drivers, plugins, transports.
import type { SourceAt } from "./source-at.ts";

export interface Bound {
  /** Absolute path of the source. */
  readonly path: string;
  /** "asks where it lies". */
  readonly reason: string;
}

const ASKS = /\b__natsHandlers_(?:url|dirname|filename|meta)\b|\b__require\d*\.resolve\b/g;
const TEXT = /"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\$]|\\.)*`/.source;
const LOADS = new RegExp(`(?:\\b__require\\d*|\\bimport)\\((?!\\s*(?:${TEXT})\\s*[,)])`, "g");

/** `isOfPackage`: of the author's own code nothing is said. */
export function placeBound(
  code: string,
  sourceAt: (index: number) => SourceAt,
  isOfPackage: (path: string) => boolean,
): Bound[] {
  const found = (pattern: RegExp, reason: string) =>
    [...code.matchAll(pattern)]
      .map(({ index }) => sourceAt(index).path)
      .filter((path) => path !== "" && isOfPackage(path))
      .map((path): [string, Bound] => [path, { path, reason }]);
  const all = [...found(LOADS, "loads packages by names that only it knows"), ...found(ASKS, "asks where it lies")];
  return [...new Map(all).values()];
}
