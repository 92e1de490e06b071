// The files of the worker's program: how they are made, and how they get to their place.
import { rename, writeFile } from "node:fs/promises";
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

/** Its URL. Written atomically: another runtime may do the same at this moment. */
export async function place(folder: string, name: string, content: string | Uint8Array): Promise<string> {
  const path = join(folder, name);
  const temporary = `${path}.${process.pid}.${Math.random().toString(36).slice(2)}`;
  await writeFile(temporary, content);
  await rename(temporary, path);
  return pathToFileURL(path).href;
}
