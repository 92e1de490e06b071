// Files that are not code and that handlers read beside themselves.
//
// A1  What lies below the handlers folder and is not code is copied to the same place in the build. Tests, and names that
//     start with a dot, are not.
// A2  So is what a source names as `new URL("./name", import.meta.url)` or `join(import.meta.dirname, "name")`.

import { existsSync, readFileSync } from "node:fs";
import { cp, readdir } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { mirrored } from "./layout.ts";

const CODE_OR_TEST = /\.([mc]?[tj]s|[tj]sx)(\.map)?$|\.(test|spec)\./;
const NAMED = [
  /\bnew URL\(\s*["'`](\.{1,2}\/[^"'`$]+)["'`]\s*,\s*import\.meta\.url/g,
  /\b(?:join|resolve)\(\s*import\.meta\.dirname\s*,\s*["'`]([^"'`$]+)["'`]\s*\)/g,
];

export interface AssetsRequest {
  readonly rootDir: string;
  readonly handlersDir: string;
  readonly outDir: string;
  /** Absolute paths of the author's sources. */
  readonly sources: readonly string[];
}

/** Resolves with the number of files and folders copied. */
export async function copyAssets({ rootDir, handlersDir, outDir, sources }: AssetsRequest): Promise<number> {
  const paths = new Set([...(await below(handlersDir)), ...sources.flatMap(namedIn)]);
  for (const path of [...paths].sort()) {
    await cp(path, join(outDir, mirrored(rootDir, path)), { recursive: true, dereference: true });
  }
  return paths.size;
}

async function below(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const found = entries
    .filter(({ name }) => !name.startsWith(".") && name !== "node_modules")
    .map(async (entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return below(path);
      return CODE_OR_TEST.test(entry.name) ? [] : [path];
    });
  return (await Promise.all(found)).flat();
}

function namedIn(source: string): string[] {
  const text = existsSync(source) ? readFileSync(source, "utf8") : "";
  return NAMED.flatMap((pattern) => [...text.matchAll(pattern)])
    .map(([, name = ""]) => resolve(dirname(source), name))
    .filter((path) => existsSync(path) && !CODE_OR_TEST.test(path));
}
