// What a path is now. What is gone, or not ours to see, is none of it.

import { lstatSync, type Stats, statSync } from "node:fs";

export function isEmptyFile(path: string): boolean {
  const stats = statsOf(path, statSync);
  return stats?.isFile() === true && stats.size === 0;
}

/** Also through a symlink. */
export function leadsToFolder(path: string): boolean {
  return statsOf(path, statSync)?.isDirectory() === true;
}

export function isLink(path: string): boolean {
  return statsOf(path, lstatSync)?.isSymbolicLink() === true;
}

/** Its content, its name or itself, by the time of day; -Infinity of what is not there. */
export function changedAtMs(path: string): number {
  return statsOf(path, lstatSync)?.ctimeMs ?? Number.NEGATIVE_INFINITY;
}

function statsOf(path: string, read: (path: string) => Stats): Stats | undefined {
  try {
    return read(path);
  } catch {
    return undefined; // reported as changed all the same
  }
}
