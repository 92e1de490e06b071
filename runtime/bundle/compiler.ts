// How esbuild is asked. Three ways, for one result:
//
// C1  Many handlers at once go in one run with many entries: parsing what they share once makes it four times as fast.
//     One broken entry fails the run, and then each is built on its own, as C2 does: contexts are for those that are
//     saved one by one, and as few of them are in use at a time none is thrown out that is.
// C2  A single first build is a run of its own, which leaves nothing behind in esbuild.
// C3  From its second build on a handler has an incremental context. Only the most recently saved handlers keep theirs:
//     a thousand contexts take esbuild 250 MB.
// C4  Where no more saves are awaited, nothing is kept: each call starts esbuild, unless another is under way.
import { dirname, resolve } from "node:path";
import * as esbuild from "esbuild";
import type { HandlerFile } from "../discover/handler-file.ts";
import { fileNameOf } from "./build-folder.ts";
import { messagesOf } from "./diagnostics.ts";
import { lostCharacters } from "./encoding.ts";
import * as esbuildProcess from "./esbuild-process.ts";
import { finish } from "./finish.ts";
import { BANNER_PLACEHOLDER, type ImportMeta, PLACE_NAMES } from "./import-meta.ts";
import { packageOf } from "./import-order.ts";
import type { Bound } from "./place-bound.ts";
import type { Reached } from "./reached.ts";
import { type ReadFiles, readFiles } from "./read-files.ts";

export type Compiled =
  | {
      readonly ok: true;
      /** With the banner's placeholder still in it, and without a reference to the map. */
      readonly code: string;
      readonly map: string;
      /** Absolute paths of all modules that were bundled. */
      readonly inputs: readonly string[];
      /** What those import: the importer's absolute path, and what it calls it. */
      readonly imports: readonly { readonly importer: string; readonly specifier: string }[];
      /** What loaders have made beside the code, shared by the handlers of one call. */
      readonly assets: readonly esbuild.OutputFile[];
      readonly warnings: readonly esbuild.Message[];
      /** What the author's code reaches by its place. */
      readonly reached: readonly Reached[];
      /** Sources of packages that do not work in a bundle. */
      readonly bound: readonly Bound[];
    }
  | {
      readonly ok: false;
      readonly messages: readonly esbuild.Message[];
      /** Absolute paths of the modules that were read until then, where that is followed. */
      readonly inputs: readonly string[];
    };

export interface Compiler {
  /** The results in the order of `files`. Never rejects. */
  compile(files: readonly HandlerFile[]): Promise<Compiled[]>;
  /** Drop what is kept of a handler. */
  forget(handler: string): Promise<void>;
  /** C4, from now on. It need not be closed then. A second call joins the first. */
  rest(): Promise<void>;
}

export interface CompilerOptions {
  readonly rootDir: string;
  /** Where the results are going to lie: the paths in source maps start from here. Nothing is written. */
  readonly outDir: string;
  readonly plugins: readonly esbuild.Plugin[];
  readonly meta: ImportMeta;
  /** Export conditions beside Node's own, as they are now. */
  readonly conditions: () => readonly string[];
  /** Whether a build that fails is to say what it has read: each file costs a question. */
  readonly follows?: boolean;
  /** The result's place below `outDir`, without extension. */
  readonly stemOf?: (file: HandlerFile) => string;
  /** What is to be other than for `dev`. */
  readonly settings?: Pick<
    esbuild.BuildOptions,
    "minifySyntax" | "minifyWhitespace" | "loader" | "assetNames" | "ignoreAnnotations"
  >;
}

type Options = esbuild.BuildOptions & { metafile: true; write: false };
type Result = esbuild.BuildResult<Options>;

interface Kept {
  /** File and conditions. */
  readonly madeFor: string;
  readonly context: esbuild.BuildContext<Options>;
  readonly reads: ReadFiles;
}

const MOST_CONTEXTS = 32;

export function createCompiler({
  rootDir,
  outDir,
  plugins,
  meta,
  conditions,
  follows = false,
  stemOf = ({ name }) => fileNameOf(name),
  settings = {},
}: CompilerOptions): Compiler {
  const builtOnce = new Set<string>();
  const contexts = new Map<string, Kept>();
  const running = new Set<Promise<unknown>>();
  let resting: Promise<void> | undefined;
  esbuildProcess.hold();

  function optionsFor(files: readonly HandlerFile[], named: readonly string[], reads?: ReadFiles): Options {
    return {
      entryPoints: files.map((file) => ({ in: file.path, out: stemOf(file) })),
      absWorkingDir: rootDir,
      outdir: outDir,
      outExtension: { ".js": ".mjs" },
      bundle: true,
      write: false,
      metafile: true,
      format: "esm",
      platform: "node",
      target: "node22",
      // Without the condition `module`, which esbuild would add and Node does not know.
      conditions: [...named],
      sourcemap: "external",
      sourcesContent: false,
      charset: "utf8",
      legalComments: "none",
      logLevel: "silent",
      banner: { js: BANNER_PLACEHOLDER },
      define: PLACE_NAMES,
      plugins: reads === undefined || !follows ? [...plugins] : [reads.plugin, ...plugins],
      ...settings,
    };
  }

  async function contextFor(file: HandlerFile): Promise<Kept> {
    const named = conditions();
    const madeFor = [file.path, ...named].join();
    const known = contexts.get(file.name);
    if (known?.madeFor === madeFor) {
      contexts.delete(file.name);
      contexts.set(file.name, known); // last in the order: most recently used
      return known;
    }
    await known?.context.dispose();
    const reads = readFiles();
    const kept = { madeFor, context: await esbuild.context(optionsFor([file], named, reads)), reads };
    contexts.set(file.name, kept);
    const [oldest] = contexts.keys();
    if (contexts.size > MOST_CONTEXTS && oldest !== undefined) await disposeContext(oldest);
    return kept;
  }

  async function disposeContext(handler: string) {
    const known = contexts.get(handler);
    contexts.delete(handler);
    await known?.context.dispose();
  }

  function compileOne(file: HandlerFile): Promise<Compiled> {
    const isSingle = resting !== undefined || !builtOnce.has(file.name);
    return isSingle ? compileAlone(file) : compileKept(file);
  }

  function compileAlone(file: HandlerFile): Promise<Compiled> {
    const reads = readFiles();
    return compiled(file, reads, () => esbuild.build(optionsFor([file], conditions(), reads)));
  }

  async function compileKept(file: HandlerFile): Promise<Compiled> {
    try {
      const { context, reads } = await contextFor(file);
      return await compiled(file, reads, () => context.rebuild());
    } catch (error) {
      return { ok: false, messages: messagesOf(error), inputs: [] };
    }
  }

  async function compiled(file: HandlerFile, reads: ReadFiles, run: () => Promise<Result>): Promise<Compiled> {
    try {
      builtOnce.add(file.name);
      return readResult(await run())(file);
    } catch (error) {
      return { ok: false, messages: messagesOf(error), inputs: [...reads.paths] };
    }
  }

  async function compileTogether(files: readonly HandlerFile[]): Promise<Compiled[]> {
    try {
      const result = await esbuild.build(optionsFor(files, conditions()));
      for (const { name } of files) builtOnce.add(name);
      return files.map(readResult(result));
    } catch {
      // Each is told on its own what is wrong with it.
      return Promise.all(files.map(compileAlone));
    }
  }

  /** Gives what concerns one of the handlers built in this run. */
  function readResult({ outputFiles, metafile, warnings: all }: Result): (file: HandlerFile) => Compiled {
    const texts = new Map(outputFiles.map((output) => [output.path, output]));
    const outputs = new Map(Object.entries(metafile.outputs).map(([key, output]) => [resolve(rootDir, key), output]));
    const assets = outputFiles.filter(({ path }) => !/\.mjs(\.map)?$/.test(path));
    return (file) => {
      const path = resolve(outDir, `${stemOf(file)}.mjs`);
      const code = texts.get(path);
      const map = texts.get(`${path}.map`);
      const output = outputs.get(path);
      const entry = output?.entryPoint;
      if (code === undefined || map === undefined || output === undefined || entry === undefined)
        throw new Error(`esbuild did not build ${path}`);
      const keys = reachedFrom(entry, metafile.inputs);
      const warnings = [
        ...all.filter(({ location }) => isOf(location?.file, keys, metafile.inputs)),
        ...lostCharacters(rootDir, code.text, keys),
      ];
      const inputs = [...keys].map((key) => resolve(rootDir, key));
      const imports = [...keys].flatMap((key) => importsOf(metafile.inputs[key], resolve(rootDir, key)));
      const printed = { code: code.text, map: map.text, folder: dirname(path) };
      const finished = finish({ ...printed, rootDir, entry, inputs: metafile.inputs, output, meta });
      return { ok: true, ...finished, inputs, imports, assets, warnings };
    };
  }

  async function letGo(): Promise<void> {
    // They may still use what is kept.
    await Promise.all(running);
    await Promise.all([...contexts.keys()].map(disposeContext));
    await esbuildProcess.letGo();
  }

  return {
    compile(files) {
      const run = esbuildProcess.holding<Compiled[]>(() =>
        files.length === 1 ? Promise.all(files.map(compileOne)) : compileTogether(files),
      );
      running.add(run);
      return run.finally(() => running.delete(run));
    },
    async forget(handler) {
      builtOnce.delete(handler);
      await disposeContext(handler);
    },
    rest() {
      resting ??= letGo();
      return resting;
    },
  };
}

/** One of its modules, or none of anybody's: what decides how all are built. */
function isOf(file: string | undefined, own: ReadonlySet<string>, modules: esbuild.Metafile["inputs"]): boolean {
  if (file === undefined || own.has(file)) return true;
  return !(file in modules) && !file.split("/").includes("node_modules");
}

/** As they are written. */
function importsOf(module: esbuild.Metafile["inputs"][string] | undefined, importer: string) {
  return (module?.imports ?? []).map(({ path, original }) => {
    return { importer, specifier: original ?? packageOf(path) ?? path };
  });
}

/** All modules an entry imports, also those that leave no code behind. */
function reachedFrom(entry: string, inputs: esbuild.Metafile["inputs"]): Set<string> {
  const reached = new Set([entry]);
  for (const key of reached) {
    for (const { path, external } of inputs[key]?.imports ?? []) if (!external && path in inputs) reached.add(path);
  }
  return reached;
}
