// Which place of a value each line of its JSON shows, as laid out with two spaces. Pure.

import type { Path } from "./schema-check.ts";

interface Open {
  readonly path: Path;
  /** Of a list: how many of its entries have begun. */
  entries: number | undefined;
}

const KEY = /^("(?:[^"\\]|\\.)*"): /;

/** Undefined for a line that closes something. */
export function pathsOfLines(text: string): (Path | undefined)[] {
  const open: Open[] = [];
  return text.split("\n").map((whole) => {
    const line = whole.trim();
    if (/^[}\]],?$/.test(line)) {
      open.pop();
      return undefined;
    }
    const around = open.at(-1);
    const key = around?.entries === undefined ? KEY.exec(line)?.[1] : undefined;
    const path = around === undefined ? [] : [...around.path, key === undefined ? nextOf(around) : nameIn(key)];
    const last = line.at(-1);
    if (last === "{" || last === "[") open.push({ path, entries: last === "[" ? 0 : undefined });
    return path;
  });
}

function nextOf(list: Open): number {
  const at = list.entries ?? 0;
  list.entries = at + 1;
  return at;
}

function nameIn(key: string): string {
  try {
    return String(JSON.parse(key));
  } catch {
    return key; // Its end was cut off.
  }
}
