// All the paths at which an import may be found: which of them is there decides what it means.

import { dirname, extname, join } from "node:path";
import { packageNameOf } from "./bare-imports.ts";

/** esbuild's own, in its order, and what Node and TypeScript load beside. */
const EXTENSIONS = [".tsx", ".ts", ".jsx", ".js", ".css", ".json", ".mts", ".mjs"];
/** What stands for what, where TypeScript's habit is to name what it makes. */
const SOURCES: Readonly<Record<string, readonly string[]>> = {
  ".js": [".ts", ".tsx"],
  ".jsx": [".ts", ".tsx"],
  ".mjs": [".mts"],
  ".cjs": [".cts"],
};

/** For an import of the absolute path, as it is written. */
export function fileCandidates(path: string): string[] {
  const end = extname(path);
  const sources = (SOURCES[end] ?? []).map((other) => path.slice(0, -end.length) + other);
  const below = ["package.json", ...EXTENSIONS.map((other) => `index${other}`)].map((name) => join(path, name));
  return [path, ...sources, ...EXTENSIONS.map((other) => path + other), ...below];
}

/** For a package that is imported in the folder: nearest first. */
export function packageFolders(folder: string, specifier: string): string[] {
  const name = packageNameOf(specifier);
  return name === undefined ? [] : foldersFrom(folder).map((at) => join(at, "node_modules", name));
}

/** The folder, and all above it. */
export function foldersFrom(folder: string): string[] {
  const above = dirname(folder);
  return above === folder ? [folder] : [folder, ...foldersFrom(above)];
}
