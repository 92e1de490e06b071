// Where the author's code goes on after an `await`. V8 tells of every promise that is made and of every one whose turn has
// come; one that is made with a parent by a frame of the author's own is what an `await` of theirs stands on.

import { findSourceMap } from "node:module";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { promiseHooks } from "node:v8";

interface Place {
  readonly line: number;
  readonly column: number;
}

/**
 * Have `reached` called each time the bundle's code is about to go on after an `await`, with where it stands in the sources:
 * `handlers/todo/save.ts:31`. Returns what ends it.
 */
export function watchAwaits(bundleUrl: string, rootDir: string, reached: (place: string) => void): () => void {
  const awaits = new WeakMap<Promise<unknown>, Place>();
  return promiseHooks.createHook({
    init(promise, parent) {
      const place = (parent as unknown) === undefined ? undefined : placeIn(bundleUrl);
      if (place === undefined) return;
      // What is awaited and is no plain promise is made into one first, at the same place: that is not yet the going on.
      awaits.delete(parent);
      awaits.set(promise, place);
    },
    before(promise) {
      const place = awaits.get(promise);
      if (place !== undefined) reached(sourceOf(bundleUrl, rootDir, place));
    },
  }) as unknown as () => void;
}

/** Undefined unless the innermost frame, the hook's own aside, is the bundle's. */
function placeIn(bundleUrl: string): Place | undefined {
  const { prepareStackTrace, stackTraceLimit } = Error;
  Error.prepareStackTrace = (_error, sites) => sites;
  Error.stackTraceLimit = 3;
  const about: { stack?: unknown } = {};
  Error.captureStackTrace(about, placeIn);
  const [, site] = about.stack as readonly NodeJS.CallSite[];
  Object.assign(Error, { prepareStackTrace, stackTraceLimit });
  if (site?.getFileName() !== bundleUrl) return undefined;
  return { line: site.getLineNumber() ?? 0, column: site.getColumnNumber() ?? 0 };
}

function sourceOf(bundleUrl: string, rootDir: string, { line, column }: Place): string {
  const path = fileURLToPath(bundleUrl);
  const entry = findSourceMap(path)?.findEntry(line - 1, column - 1);
  if (entry === undefined || !("originalSource" in entry)) return `${relative(rootDir, path)}:${line}`;
  const source = entry.originalSource.startsWith("file:") ? fileURLToPath(entry.originalSource) : entry.originalSource;
  return `${relative(rootDir, source)}:${entry.originalLine + 1}`;
}
