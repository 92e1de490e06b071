// From a handler file to a file the worker can import: one call, which says what was built or why not.
import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Message } from "esbuild";
import type { HandlerFile } from "../discover/handler-file.ts";
import type { RuntimeError } from "../errors.ts";
import { bareImports, isPackaged } from "./bare-imports.ts";
import { openBuildFolder, versionOf } from "./build-folder.ts";
import { createBuildQueue } from "./build-queue.ts";
import type { Bundle } from "./bundle.ts";
import { type Compiled, createCompiler } from "./compiler.ts";
import { bundleFailed, bundleWarnings, messagesOf } from "./diagnostics.ts";
import { importMeta } from "./import-meta.ts";
import { pathsThatWouldMend, unresolvedIn } from "./missing.ts";

export type BuildResult =
  | { readonly ok: true; readonly bundle: Bundle; readonly warnings: readonly RuntimeError[] }
  | {
      readonly ok: false;
      /** BUNDLE_FAILED. */
      readonly error: RuntimeError;
      /** Absolute paths, existing or not: when one of them changes, building again may succeed. */
      readonly inputs: readonly string[];
    };

export interface Bundler {
  /**
   * Build the file as it is now.
   *
   * Never rejects. Calls for one handler that wait at the same time get the same result. Every bundle is to be
   * retired once it is not needed, also one whose version is the one already serving.
   */
  build(file: HandlerFile): Promise<BuildResult>;
  /** Delete the bundle's files, unless a later build gave the same code. Twice is safe. */
  retire(bundle: Bundle): Promise<void>;
  /** The handler is gone: drop what is kept of it and delete all its files. */
  forget(handler: string): Promise<void>;
  /** No save is awaited any more: from now on esbuild runs only while something is built. A second call joins the first. */
  rest(): Promise<void>;
  /** Waits for running builds, then deletes the built files and ends esbuild. A second call joins the first. */
  close(): Promise<void>;
}

export interface BundlerOptions {
  /** Absolute, as is `buildDir`. */
  readonly rootDir: string;
  readonly buildDir: string;
  /** File URL of the sdk that workers run on. */
  readonly sdkUrl: string;
}

const MOST_RUNS = 4;
const MOST_TOGETHER = 50;

export function createBundler({ rootDir, buildDir, sdkUrl }: BundlerOptions): Bundler {
  const folder = openBuildFolder(buildDir);
  const meta = importMeta(rootDir);
  const plugins = [bareImports({ rootDir, buildDir: folder.path, sdkUrl }), meta.plugin];
  const compiler = createCompiler({ rootDir, outDir: folder.path, plugins });
  const queue = createBuildQueue({ build: buildAll, mostRuns: MOST_RUNS, mostTogether: MOST_TOGETHER });
  const machineSpecific = [sdkUrl, pathToFileURL(rootDir).href, rootDir];
  const lastGoodInputs = new Map<string, readonly string[]>();
  const isAuthored = (path: string) => !isPackaged(rootDir, path);
  let closing: Promise<void> | undefined;

  async function buildAll(files: readonly HandlerFile[]): Promise<BuildResult[]> {
    const compiled = await compiler.compile(files);
    return Promise.all(files.map((file, index) => resultOf(file, compiled[index])));
  }

  async function resultOf(file: HandlerFile, compiled: Compiled | undefined): Promise<BuildResult> {
    if (compiled === undefined) return failed(file, messagesOf(new Error("esbuild gave no result")));
    if (!compiled.ok) return failed(file, compiled.messages);
    try {
      const bundle = await store(file, compiled);
      lastGoodInputs.set(file.name, bundle.inputs);
      return { ok: true, bundle, warnings: bundleWarnings(rootDir, file.name, compiled.warnings) };
    } catch (error) {
      return failed(file, messagesOf(error));
    }
  }

  async function store(file: HandlerFile, { code, map, inputs }: Extract<Compiled, { ok: true }>): Promise<Bundle> {
    const version = versionOf(file.name, code, machineSpecific);
    const whole = meta.fillIn(code, file.path);
    const path = await folder.store({ handler: file.name, version, code: whole, map });
    const bundle: Bundle = {
      handler: file.name,
      version,
      path,
      // The path as it was found, too: esbuild names the target when it is a symlink.
      inputs: [...new Set([file.path, ...inputs.filter(isAuthored), ...tsconfigFor(file.path)])],
      sizeBytes: Buffer.byteLength(whole),
    };
    folder.hold(bundle);
    return bundle;
  }

  function failed(file: HandlerFile, messages: readonly Message[]): BuildResult {
    const inputs = new Set([file.path, ...(lastGoodInputs.get(file.name) ?? []), ...tsconfigFor(file.path)]);
    for (const message of messages) for (const path of pathsIn(message)) inputs.add(path);
    return { ok: false, error: bundleFailed(rootDir, file.name, messages), inputs: [...inputs] };
  }

  function pathsIn({ text, location, notes }: Message): string[] {
    const named = [location, ...notes.map((note) => note.location)].filter((place) => place != null);
    const paths = named.map((place) => resolve(rootDir, place.file));
    const missing = unresolvedIn(text);
    const importer = paths[0];
    const mending = missing && importer ? pathsThatWouldMend(rootDir, importer, missing) : [];
    return [...paths.filter(isAuthored), ...mending];
  }

  async function closeAll() {
    await queue.drain();
    await compiler.rest();
    await folder.remove();
  }

  return {
    async build(file) {
      if (closing !== undefined) return failed(file, messagesOf(new Error("the bundler is closed")));
      return queue.add(file);
    },
    retire: (bundle) => folder.retire(bundle),
    forget: (handler) =>
      queue.whileIdle(handler, async () => {
        lastGoodInputs.delete(handler);
        await compiler.forget(handler);
        await folder.removeHandler(handler);
      }),
    rest: () => compiler.rest(),
    close() {
      closing ??= closeAll();
      return closing;
    },
  };
}

/** esbuild honours the nearest tsconfig.json, so a change to it is a change to the handler. */
function tsconfigFor(path: string): string[] {
  const folder = dirname(path);
  if (folder === path) return [];
  const candidate = join(folder, "tsconfig.json");
  return existsSync(candidate) ? [candidate] : tsconfigFor(folder);
}
