// Where in the author's source an option is written: a scan good enough to point at a line, with no parser behind it.

import type { SourcePlace } from "../errors.ts";

/** `export const metadata = {`, with or without a type beside it. */
export const METADATA_LITERAL = /^[ \t]*export\s+const\s+metadata\b[^=\n]*=\s*/m;

/** The object literal of `handlers.config.ts`. */
export const CONFIG_LITERAL = /^[ \t]*export\s+default\s+(?:defineConfig\s*\(\s*)?/m;

type Position = Pick<SourcePlace, "line" | "column">;

/**
 * The place of the key at `path` in the object literal that follows `opening`. Falls back to the nearest enclosing key
 * that is written there, then to the literal itself (the key may come from a spread); empty when there is no literal.
 */
export function locate(source: string, opening: RegExp, path: readonly (string | number)[]): Position {
  const match = opening.exec(source);
  if (match === null) return {};
  let found = match.index + (match[0].length - match[0].trimStart().length);
  let valueAt = match.index + match[0].length;
  for (const key of path) {
    const entry = entriesOf(source, valueAt).find((candidate) => candidate.key === String(key));
    if (entry === undefined) break;
    found = entry.keyAt;
    valueAt = entry.valueAt;
  }
  return positionOf(source, found);
}

interface Entry {
  readonly key: string;
  readonly keyAt: number;
  readonly valueAt: number;
}

/** The entries of the object or array literal that starts at `start`; none when something else stands there. */
function entriesOf(source: string, start: number): Entry[] {
  const open = source[start];
  if (open !== "{" && open !== "[") return [];
  const entries: Entry[] = [];
  for (let at = skipBlanks(source, start + 1); at < source.length && source[at] !== "}" && source[at] !== "]"; ) {
    const key = open === "[" ? { name: String(entries.length), end: at } : readKey(source, at);
    if (key !== undefined) entries.push({ key: key.name, keyAt: at, valueAt: skipBlanks(source, key.end) });
    at = skipValue(source, at);
    if (source[at] !== ",") break;
    at = skipBlanks(source, at + 1);
  }
  return entries;
}

/** A key as `name:`, `"name":`, `name(` or a bare `name`. */
function readKey(source: string, at: number): { name: string; end: number } | undefined {
  const pattern = /(?:async\s+)?(?:([A-Za-z_$][\w$]*)|"([^"\n]*)"|'([^'\n]*)')\s*(?::|(?=[(,}\n]))/y;
  pattern.lastIndex = at;
  const match = pattern.exec(source);
  return match === null ? undefined : { name: match[1] ?? match[2] ?? match[3] ?? "", end: pattern.lastIndex };
}

/** From anywhere in an entry to the comma or bracket that ends it. */
function skipValue(source: string, start: number): number {
  let depth = 0;
  for (let at = start; at < source.length; at = next(source, at)) {
    const char = source[at] as string;
    if (depth === 0 && (char === "," || char === "}" || char === "]" || char === ")")) return at;
    if (char === "{" || char === "[" || char === "(") depth += 1;
    if (char === "}" || char === "]" || char === ")") depth -= 1;
  }
  return source.length;
}

/** The index after the character, string or comment at `at`. */
function next(source: string, at: number): number {
  const char = source[at];
  if (char === '"' || char === "'" || char === "`") {
    let end = at + 1;
    while (end < source.length && source[end] !== char) end += source[end] === "\\" ? 2 : 1;
    return end + 1;
  }
  return commentEnd(source, at) ?? at + 1;
}

function skipBlanks(source: string, start: number): number {
  let at = start;
  while (at < source.length) {
    const end = commentEnd(source, at);
    if (end !== undefined) at = end;
    else if (/\s/.test(source[at] as string)) at += 1;
    else break;
  }
  return at;
}

function commentEnd(source: string, at: number): number | undefined {
  const lineComment = source.startsWith("//", at);
  if (!lineComment && !source.startsWith("/*", at)) return undefined;
  const end = lineComment ? source.indexOf("\n", at) : source.indexOf("*/", at) + 2;
  return end <= 1 ? source.length : end;
}

function positionOf(source: string, index: number): Position {
  const before = source.slice(0, index);
  const lineStart = before.lastIndexOf("\n") + 1;
  return { line: before.split("\n").length, column: index - lineStart + 1 };
}
