// The files of the worker's program: how they are made, and how they get to their place.
import { createHash } from "node:crypto";
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type BuildOptions, build, type OutputFile } from "esbuild";
import { holding } from "./esbuild-process.ts";

/** What esbuild makes of it: modules that Node runs as they are. */
export async function bundled(options: BuildOptions): Promise<OutputFile[]> {
  const common = { bundle: true, platform: "node", format: "esm", target: "node22", logLevel: "silent" } as const;
  const { outputFiles } = await holding(() => build({ ...common, ...options, write: false }));
  return outputFiles;
}

/** Its URL. Written atomically: another runtime may do the same at this moment. Rejects with an error that names the file. */
export async function place(folder: string, name: string, content: string | Uint8Array): Promise<string> {
  const path = join(folder, name);
  const temporary = `${path}.${process.pid}.${Math.random().toString(36).slice(2)}`;
  try {
    await writeFile(temporary, content);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error instanceof Error ? Object.assign(error, { path }) : error;
  }
  return pathToFileURL(path).href;
}

/**
 * Its URL. Made only when the one that is there was made from something else than `source`, or is not whole: its first
 * line tells.
 */
export async function placeUnlessThere(
  folder: string,
  name: string,
  source: string,
  make: () => Promise<string>,
): Promise<string> {
  const path = join(folder, name);
  const there = await readFile(path, "utf8").catch(() => "");
  const start = there.indexOf("\n") + 1;
  if (start > 0 && there.slice(0, start) === sealOf(source, there.slice(start))) return pathToFileURL(path).href;
  const code = await make();
  return place(folder, name, sealOf(source, code) + code);
}

function sealOf(source: string, code: string): string {
  return `// ${createHash("sha256").update(`${source}\0${code}`).digest("hex")}\n`;
}
