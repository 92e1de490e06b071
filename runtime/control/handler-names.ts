// From the names and globs an operator types to the handlers that are meant.

import { matchesAny } from "../metadata/name-filter.ts";

export { matchesAny } from "../metadata/name-filter.ts";

export interface FoundNames {
  /** Sorted, each once. */
  readonly names: readonly string[];
  /** Words that fit no known handler. */
  readonly unknown: readonly string[];
}

export function findNames(words: readonly string[], known: Iterable<string>): FoundNames {
  const names = new Set<string>();
  const unknown: string[] = [];
  const all = [...known];
  for (const word of words) {
    const found = all.filter(matchesAny([word]));
    if (found.length === 0) unknown.push(word);
    for (const name of found) names.add(name);
  }
  return { names: [...names].sort(), unknown };
}

/** Whether the word stands for several names. */
export function isGlob(word: string): boolean {
  return /[*?]/.test(word);
}
