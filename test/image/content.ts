// What is in the image beside the base, and what must not be.

import { readdirSync, statSync } from "node:fs";
import { join, relative } from "node:path";

export interface Content {
  /** Paths from the image's root. */
  readonly files: readonly string[];
  readonly bytes: number;
}

export function contentOf(rootfs: string, folder: string): Content {
  const files = readdirSync(join(rootfs, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  const bytes = files.reduce((sum, file) => sum + statSync(file).size, 0);
  return { files: files.map((file) => `/${relative(rootfs, file)}`).sort(), bytes };
}

/** Tools, tests, sources and secrets: what nobody needs to serve. */
const UNWANTED = [
  /(^|\/)(esbuild|chokidar|typescript|vitest|@biomejs|@types|commander)(\/|$)/,
  /\.(test|spec)\.|\/test\//,
  /\.tsx?$/,
  /\/(\.npmrc|\.env|\.git|package-lock\.json)(\/|$)/,
];

export function unwantedIn(files: readonly string[]): string[] {
  return files.filter((file) => UNWANTED.some((pattern) => pattern.test(file)));
}

/** `  12 files, 1.2 MB  /app/build/runtime`, a line for each folder. */
export function listing(rootfs: string, { files }: Content): string[] {
  const folders = Map.groupBy(files, (file) => file.split("/").slice(0, -1).join("/"));
  return [...folders].map(([folder, inside]) => {
    const bytes = inside.reduce((sum, file) => sum + statSync(join(rootfs, file)).size, 0);
    return `${String(inside.length).padStart(4)} files ${kilobytes(bytes).padStart(9)}  ${folder}`;
  });
}

export function kilobytes(bytes: number): string {
  return `${Math.round(bytes / 1_000).toLocaleString("en")} kB`;
}
