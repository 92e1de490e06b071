// Files that are not code and that handlers read beside themselves.
//
// A1  What lies below the handlers folder and is not code is copied to the same place in the build. Tests, and names that
//     start with a dot, are not.
// A2  So is what code reaches by its place (bundle/reached.ts), wherever it lies.

import { cp, readdir } from "node:fs/promises";
import { join, sep } from "node:path";
import { mirrored } from "./layout.ts";

const CODE_OR_TEST = /\.([mc]?[tj]s|[tj]sx)(\.map)?$|\.(test|spec)\./;
export interface AssetsRequest {
  readonly rootDir: string;
  readonly handlersDir: string;
  readonly outDir: string;
  /** A2: absolute paths of files and folders. */
  readonly reached: readonly string[];
}

/** Resolves with the number of files and folders copied. */
export async function copyAssets({ rootDir, handlersDir, outDir, reached }: AssetsRequest): Promise<number> {
  const paths = new Set([...(await below(handlersDir)), ...reached]);
  for (const path of [...paths].sort()) {
    await cp(path, join(outDir, mirrored(rootDir, path)), {
      recursive: true,
      dereference: true,
      filter: (from) => !from.slice(path.length).split(sep).includes("node_modules"),
    });
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
