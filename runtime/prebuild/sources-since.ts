// Whether a build still is what the sources would give.

import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { relative, resolve, sep } from "node:path";
import type { ScanResult } from "../discover/scan.ts";
import type { Manifest } from "./manifest.ts";

/** Content hashes by path from the root. `paths`: absolute; those that are not there are left out. */
export function hashInputs(rootDir: string, paths: Iterable<string>): Record<string, string> {
  const existing = [...new Set(paths)].filter((path) => existsSync(path));
  const entries = existing.map((path) => [relative(rootDir, path).split(sep).join("/"), hashOf(path)] as const);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Files that were changed, added or removed since the build was made; none where the sources are not there. */
export function changedSince(manifest: Manifest, rootDir: string, found: ScanResult): string[] {
  if (found.files.length === 0) return [];
  const changed = Object.entries(manifest.inputs)
    .filter(([path, hash]) => hashOf(resolve(rootDir, path)) !== hash)
    .map(([path]) => path);
  const built = new Set(manifest.handlers.map(({ file }) => file));
  const added = found.files.map(({ displayPath }) => displayPath).filter((path) => !built.has(path));
  return [...new Set([...changed, ...added])].sort();
}

function hashOf(path: string): string {
  try {
    return createHash("sha256").update(readFileSync(path)).digest("hex").slice(0, 12);
  } catch {
    return ""; // gone, which is a change too
  }
}
