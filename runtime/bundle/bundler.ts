// From a handler file to a file the worker can import: one call, which says what was built or why not.
import { relative, resolve, sep } from "node:path";
import { pathToFileURL } from "node:url";
import type { Message } from "esbuild";
import type { HandlerFile } from "../discover/handler-file.ts";
import type { RuntimeError } from "../errors.ts";
import { bareImports, isPackaged } from "./bare-imports.ts";
import { openBuildFolder, versionOf } from "./build-folder.ts";
import { createBuildQueue } from "./build-queue.ts";
import type { Bundle } from "./bundle.ts";
import { type Companion, CompanionsFailed, compileCompanions, flatten } from "./companions.ts";
import { type Compiled, createCompiler } from "./compiler.ts";
import { conditionsOf } from "./conditions.ts";
import { decidedBy } from "./decided-by.ts";
import { decoratorMetadata } from "./decorator-metadata.ts";
import { bundleFailed, bundleWarnings, messagesOf } from "./diagnostics.ts";
import { type FoundSettings, noSettingsYet, settingsOf } from "./followed.ts";
import { groupProgram, programName } from "./group-program.ts";
import { importMeta } from "./import-meta.ts";
import { pathsThatWouldMend, unresolvedIn } from "./missing.ts";
import { sdkModules } from "./sdk-modules.ts";

export type BuildResult =
  | {
      readonly ok: true;
      readonly bundle: Bundle;
      readonly warnings: readonly RuntimeError[];
      /** The paths that decide how it is built, existing or not; undefined, or nothing: that is not all. */
      readonly decidedBy?: () => readonly string[] | undefined;
    }
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
  /**
   * Build one module of several handlers (group-program.ts): what they import of the project's own is in it once. As `build`; calls for
   * one group are to be made one after another.
   */
  program(group: string, files: readonly HandlerFile[]): Promise<BuildResult>;
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
  /** Export conditions beside Node's own. */
  readonly conditions?: readonly string[];
}

type Good = Extract<Compiled, { ok: true }>;

const MOST_RUNS = 4;
const MOST_TOGETHER = 50;

export function createBundler({ rootDir, buildDir, sdkUrl, conditions = [] }: BundlerOptions): Bundler {
  const folder = openBuildFolder(buildDir);
  const meta = importMeta(rootDir);
  const plugins = [bareImports({ rootDir, buildDir: folder.path, sdkUrl }), decoratorMetadata()];
  // As Node, which knows no such annotations: what is imported runs.
  const settings = { ignoreAnnotations: true };
  const compiler = createCompiler({
    rootDir,
    outDir: folder.path,
    plugins,
    meta,
    conditions: () => conditionsOf(rootDir, conditions),
    follows: true,
    settings,
  });
  const queue = createBuildQueue({ build: buildAll, mostRuns: MOST_RUNS, mostTogether: MOST_TOGETHER });
  const machineSpecific = [...sdkModules(sdkUrl), pathToFileURL(rootDir).href, rootDir];
  const lastGoodInputs = new Map<string, readonly string[]>();
  const isAuthored = (path: string) => !isPackaged(rootDir, path);
  let closing: Promise<void> | undefined;

  async function buildAll(files: readonly HandlerFile[]): Promise<BuildResult[]> {
    const compiled = await compiler.compile(files);
    // Looked for once for all: a thousand handlers have the same.
    const settings = noSettingsYet();
    return Promise.all(files.map((file, index) => resultOf(file, compiled[index], settings)));
  }

  async function resultOf(
    file: HandlerFile,
    compiled: Compiled | undefined,
    settings: FoundSettings,
  ): Promise<BuildResult> {
    if (compiled === undefined) return failed(file, messagesOf(new Error("esbuild gave no result")));
    if (!compiled.ok) return failed(file, compiled.messages, compiled.inputs);
    try {
      const bundle = await store(file, compiled, settings);
      lastGoodInputs.set(file.name, bundle.inputs);
      const warnings = bundleWarnings(rootDir, file.name, compiled.warnings);
      return { ok: true, bundle, warnings, decidedBy: () => decidedBy(compiled) };
    } catch (error) {
      const reached = error instanceof CompanionsFailed ? error.inputs : [];
      return failed(file, messagesOf(error), [...compiled.inputs, ...reached]);
    }
  }

  async function store(file: HandlerFile, compiled: Good, settings: FoundSettings): Promise<Bundle> {
    const companions = await compileCompanions(file, compiled, { rootDir, compile: compiler.compile });
    const built = await storeOne(file.name, { file, compiled, companions });
    // The path as it was found, too: esbuild names the target when it is a symlink.
    const inputs = [file.path, ...[compiled, ...flatten(companions).map((one) => one.compiled)].flatMap(inputsOf)];
    const bundle: Bundle = { ...built, inputs: withSettings(inputs, settings) };
    folder.hold(bundle);
    return bundle;
  }

  /** Its companions first, which it names. */
  async function storeOne(owner: string, { file, compiled, companions }: Companion): Promise<Bundle> {
    const parts = await Promise.all(companions.map((one) => storeOne(owner, one)));
    const versions = parts.map((part) => part.version).join();
    const version = versionOf(file.name, compiled.code + versions, machineSpecific);
    const urls = new Map(parts.map((part, at) => [companions[at]!.file.path, pathToFileURL(part.path).href]));
    const standIn = (path: string) => (path === file.path ? "" : (urls.get(path) ?? pathToFileURL(path).href));
    const code = meta.fillIn(compiled.code, file.path, standIn);
    const name = file.name === owner ? owner : `${owner}${file.name}`;
    const path = await folder.store({ handler: name, version, code, map: compiled.map });
    const sizeBytes = Buffer.byteLength(code);
    const bundle: Bundle = { handler: owner, version, path, preload: [], companions: parts, inputs: [], sizeBytes };
    for (const part of parts) folder.hold(part);
    return bundle;
  }

  function inputsOf({ inputs }: Pick<Good, "inputs">): string[] {
    return inputs.filter(isAuthored);
  }

  async function retire(bundle: Bundle): Promise<void> {
    await Promise.all([folder.retire(bundle), ...bundle.companions.map(retire)]);
  }

  /** `read`: what it was made of until then. */
  function failed(file: HandlerFile, messages: readonly Message[], read: readonly string[] = []): BuildResult {
    const known = [...inputsOf({ inputs: read }), ...(lastGoodInputs.get(file.name) ?? [])];
    const paths = [file.path, ...known, ...messages.flatMap(pathsIn)];
    const inputs = withSettings(paths, noSettingsYet());
    return { ok: false, error: bundleFailed(rootDir, file.name, messages), inputs };
  }

  function pathsIn(message: Message): string[] {
    const { location, notes } = message;
    const named = [location, ...notes.map((note) => note.location)].filter((place) => place != null);
    const paths = named.map((place) => resolve(rootDir, place.file));
    const missing = unresolvedIn(message);
    const importer = paths[0];
    const mending = missing && importer ? pathsThatWouldMend(importer, missing) : [];
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
    async program(group, files) {
      const source = groupProgram(files);
      const path = await folder.storeSource(`${programName(group)}.entry.mjs`, source);
      const displayPath = relative(rootDir, path).split(sep).join("/");
      return this.build({ name: programName(group), path, displayPath });
    },
    retire,
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

/** A change to what decides how they are built is a change to the handler. */
function withSettings(paths: readonly string[], settings: FoundSettings): string[] {
  return [...new Set([...paths, ...settingsOf(paths, settings)])];
}
