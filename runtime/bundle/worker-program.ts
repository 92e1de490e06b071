// The program that workers run, as JavaScript.
//
// The published package brings it so. Run from its sources, the runtime bundles it once at the start: else every worker would
// load the type stripper for itself (measured: 232 against 99 ms to boot, 44 against 19 MB of memory each).

import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { type BuildOptions, build, type OutputFile } from "esbuild";
import { makeStandIns, type StandIns } from "./stand-ins.ts";

export interface WorkerProgram {
  /** Path of the module a worker is started with. */
  readonly entry: string;
  /** URL of the sdk that handlers import: one instance for the warm worker and the bundle it loads. */
  readonly sdkUrl: string;
  /** URL of a module in the project's folder that loads the schema library the project's handlers will. */
  readonly preloadUrl: string;
}

const FROM_SOURCE = import.meta.url.endsWith(".ts");
const EXTENSION = FROM_SOURCE ? ".ts" : ".js";

/** Written below `stateDir`, atomically: another runtime may do the same at this moment. */
export async function prepareWorkerProgram(stateDir: string): Promise<WorkerProgram> {
  const folder = join(stateDir, "program");
  await mkdir(folder, { recursive: true });
  const [own, preloadUrl] = await Promise.all([
    FROM_SOURCE ? bundleSources(folder) : publishedFiles(),
    placePreload(folder),
  ]);
  return { ...own, preloadUrl };
}

/** It lies in the project's folder, so that the zod it finds is the project's. */
async function placePreload(folder: string): Promise<string> {
  const standIns = await makeStandIns(join(folder, "preload.mjs"));
  const code = standIns === undefined ? LOAD_ZOD : await loadWithStandIns(folder, standIns);
  return pathToFileURL(await place(folder, "preload.mjs", code)).href;
}

const LOAD_ZOD = 'await import("zod").catch(() => {});\n';

async function loadWithStandIns(folder: string, { manifest, version, modules }: StandIns): Promise<Uint8Array> {
  const pairs = modules.map(async ({ insteadOf, name, code }) => [
    insteadOf,
    pathToFileURL(await place(folder, name, code)).href,
  ]);
  const replacements = { manifest, version, urls: Object.fromEntries(await Promise.all(pairs)) };
  const [output] = await bundled({
    stdin: {
      contents: `import { importWith } from ${JSON.stringify(`../isolate/worker/stand-ins${EXTENSION}`)};
await importWith(${JSON.stringify(replacements)}, () => import("zod")).catch(() => {});`,
      resolveDir: import.meta.dirname,
    },
    external: ["zod"],
    outdir: folder,
  });
  return output!.contents;
}

function publishedFiles(): { entry: string; sdkUrl: string } {
  const entry = fileURLToPath(new URL("../isolate/worker/entry.js", import.meta.url));
  return { entry, sdkUrl: new URL("../../sdk/index.js", import.meta.url).href };
}

async function bundleSources(folder: string): Promise<{ entry: string; sdkUrl: string }> {
  const sources = { worker: "../isolate/worker/entry.ts", sdk: "../../sdk/index.ts" };
  const entryPoints = Object.entries(sources).map(([out, source]) => ({
    out,
    in: fileURLToPath(new URL(source, import.meta.url)),
  }));
  const outputFiles = await bundled({ entryPoints, outdir: folder, outExtension: { ".js": ".mjs" } });
  const [entry, sdk] = await Promise.all(
    ["worker.mjs", "sdk.mjs"].map((name) => {
      const output = outputFiles.find(({ path }) => path.endsWith(name));
      return place(folder, name, output?.contents ?? "");
    }),
  );
  return { entry: entry!, sdkUrl: pathToFileURL(sdk!).href };
}

async function bundled(options: BuildOptions): Promise<OutputFile[]> {
  const common = { bundle: true, platform: "node", format: "esm", target: "node22", logLevel: "silent" } as const;
  return (await build({ ...common, ...options, write: false })).outputFiles;
}

async function place(folder: string, name: string, content: string | Uint8Array): Promise<string> {
  const path = join(folder, name);
  const temporary = `${path}.${process.pid}.${Math.random().toString(36).slice(2)}`;
  await writeFile(temporary, content);
  await rename(temporary, path);
  return path;
}
