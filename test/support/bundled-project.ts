// A small project whose handlers are bundled as `dev` does it and as `build` does it, and evaluated as a worker would.

import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { type BuildResult, type Bundler, createBundler } from "../../runtime/bundle/bundler.ts";
import type { HandlerFile } from "../../runtime/discover/handler-file.ts";
import { describeError } from "../../runtime/errors.ts";
import { copyAssets } from "../../runtime/prebuild/assets.ts";
import { type Packed, packHandlers } from "../../runtime/prebuild/pack-handlers.ts";
import { copyPackages } from "../../runtime/prebuild/place-packages.ts";

interface PackedFile extends Pick<Packed, "zod"> {
  readonly result: BuildResult;
  readonly outDir: string;
}

export interface BundledProject {
  readonly root: string;
  readonly bundler: Bundler;
  write(path: string, content: string): string;
  addPackage(name: string, manifest: object, files: Record<string, string>): void;
  handler(name: string, extension?: string): HandlerFile;
  /** What the handler's default export is (called when it is a function) in `dev`. */
  inDev(file: HandlerFile): Promise<unknown>;
  /** The same of a build that lies in a folder of its own. */
  inBuild(file: HandlerFile, external?: readonly string[]): Promise<unknown>;
  pack(file: HandlerFile, external?: readonly string[]): Promise<PackedFile>;
  remove(): Promise<void>;
}

export function createBundledProject(name = "project-"): BundledProject {
  const root = realpathSync(mkdtempSync(join(tmpdir(), name)));
  const outDirs: string[] = [];
  const sdkUrl = pathToFileURL(write("sdk/index.mjs", "export const defineHandler = (metadata, run) => run;")).href;
  const bundler = createBundler({ rootDir: root, buildDir: join(root, ".handlers/build"), sdkUrl });

  function write(path: string, content: string): string {
    const absolute = join(root, path);
    mkdirSync(dirname(absolute), { recursive: true });
    writeFileSync(absolute, content);
    return absolute;
  }

  async function pack(file: HandlerFile, external: readonly string[] = []) {
    const outDir = realpathSync(mkdtempSync(join(tmpdir(), "carried-")));
    outDirs.push(outDir);
    const packed = await packHandlers({
      rootDir: root,
      outDir,
      files: [file],
      preloads: [],
      conditions: [],
      sdkUrl,
      external,
    });
    await copyPackages(packed.leftOut, outDir);
    await copyAssets({ rootDir: root, handlersDir: join(root, "handlers"), outDir, reached: packed.data });
    return { result: packed.results.get(file.name)!, outDir, zod: packed.zod };
  }

  return {
    root,
    bundler,
    write,
    addPackage(packageName, manifest, files) {
      write(
        `node_modules/${packageName}/package.json`,
        JSON.stringify({ name: packageName, version: "1.0.0", ...manifest }),
      );
      for (const [path, content] of Object.entries(files)) write(`node_modules/${packageName}/${path}`, content);
    },
    handler(handlerName, extension = ".ts") {
      const displayPath = `handlers/${handlerName}${extension}`;
      return { name: handlerName, path: join(root, displayPath), displayPath };
    },
    inDev: async (file) => evaluate(await bundler.build(file)),
    inBuild: async (file, external) => evaluate((await pack(file, external)).result),
    pack,
    async remove() {
      await bundler.close();
      for (const folder of [root, ...outDirs]) rmSync(folder, { recursive: true, force: true });
    },
  };
}

function evaluate(result: BuildResult): unknown {
  if (!result.ok) throw new Error(describeError(result.error));
  const url = JSON.stringify(pathToFileURL(result.bundle.path).href);
  const code = `const m = await import(${url}); const made = typeof m.default === "function" ? await m.default() : m.default;
    console.log("\\0" + JSON.stringify(made));`;
  const folder = mkdtempSync(join(tmpdir(), "evaluated-"));
  const program = join(folder, "program.mjs");
  writeFileSync(program, code);
  const { stdout, stderr } = spawnSync(process.execPath, ["--enable-source-maps", program], {
    encoding: "utf8",
    cwd: tmpdir(),
  });
  rmSync(folder, { recursive: true });
  const [, json] = stdout.split("\0");
  if (json === undefined) throw new Error(stderr);
  return json.startsWith("undefined") ? undefined : JSON.parse(json);
}
