// Whose code stands at a place of what esbuild has printed. Its source map has an entry wherever an expression begins, and
// none within a text: so it also says what is code.
import { SourceMap } from "node:module";
import { resolve } from "node:path";
import type { Printed } from "./edits.ts";

export interface SourceAt {
  /** Absolute; empty for what esbuild has put in itself. */
  readonly path: string;
  /** From 1, as `column`. */
  readonly line: number;
  readonly column: number;
  /** Whether an expression begins right here. */
  readonly isExact: boolean;
}

/** `folder`: where the map's paths start from. The map is read when it is asked for the first time. */
export function sourceLookup({ code, map }: Printed, folder: string): (index: number) => SourceAt {
  let read: { readonly sources: SourceMap; readonly starts: readonly number[] } | undefined;
  return (index) => {
    read ??= { sources: new SourceMap(JSON.parse(map)), starts: lineStarts(code) };
    const line = lineAt(read.starts, index);
    const column = index - read.starts[line]!;
    const entry = read.sources.findEntry(line, column);
    if (!("originalSource" in entry)) return { path: "", line: 0, column: 0, isExact: false };
    return {
      path: resolve(folder, decodeURI(entry.originalSource)),
      line: entry.originalLine + 1,
      column: entry.originalColumn + 1,
      isExact: entry.generatedLine === line && entry.generatedColumn === column,
    };
  };
}

function lineStarts(code: string): number[] {
  const starts = [0];
  for (let at = code.indexOf("\n"); at !== -1; at = code.indexOf("\n", at + 1)) starts.push(at + 1);
  return starts;
}

/** The last line that starts at or before the index. */
function lineAt(starts: readonly number[], index: number): number {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (starts[middle]! <= index) low = middle;
    else high = middle - 1;
  }
  return low;
}
