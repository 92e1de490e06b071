// What is bundled and what is left to Node: the author's own code goes in, packages stay out.
//
// B1  Node's own modules stay out.
// B2  `nats-handlers` becomes the sdk the worker runs on, so that both hold one instance of it; its parts for handlers lie beside it.
// B3  What resolves into a node_modules folder stays out: by its name, when Node finds the same package by that name from
//     the build folder; else by its absolute path.
// B4  What resolves elsewhere (tsconfig paths, workspace links) is the author's and goes in. So does what Node could not
//     load from a package: TypeScript, JSX and JSON.
// B5  What does not resolve is left to esbuild, whose error names the place.
// B6  An import statement of what stays out is marked: it runs in Node's order (import-order.ts).
// B7  The author's own `.node` and `.wasm` files stay out, by their absolute path.
import { existsSync, readFileSync, realpathSync } from "node:fs";
import { isBuiltin } from "node:module";
import { dirname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { OnResolveArgs, OnResolveResult, Plugin, PluginBuild } from "esbuild";
import { markedSpecifier } from "./import-order.ts";
import { sdkModule } from "./sdk-modules.ts";

const NEEDS_BUNDLING = /\.([mc]?ts|[jt]sx|json)$/;
const RESOLVING = Symbol("resolving");

export interface BareImportsOptions {
  readonly rootDir: string;
  /** Where the bundles lie: packages found from here keep their names. */
  readonly buildDir: string;
  /** File URL of the sdk's entry. */
  readonly sdkUrl: string;
}

/**
 * What was found serves for one build: an install or a setting may lead elsewhere before the next. Kept from the moment
 * it is asked: esbuild asks for all handlers of a run at once, and each question costs it a millisecond.
 */
type Answers = Map<string, Promise<OnResolveResult | undefined>>;

export function bareImports({ rootDir, buildDir, sdkUrl }: BareImportsOptions): Plugin {
  async function answer(
    build: PluginBuild,
    args: OnResolveArgs,
    answers: Answers,
  ): Promise<OnResolveResult | undefined> {
    if (args.pluginData === RESOLVING || args.kind === "entry-point") return undefined;
    if (isBuiltin(args.path)) return { path: args.path, external: true };
    const sdk = sdkModule(sdkUrl, args.path);
    if (sdk !== undefined) return { path: asImported(sdk, args), external: true };
    const key = `${isRequire(args)}:${args.resolveDir}:${args.path}`;
    const known = answers.get(key);
    const looking = known ?? look(build, args);
    if (known === undefined) answers.set(key, looking);
    return inOrder(rootDir, args, await looking);
  }

  async function look(build: PluginBuild, args: OnResolveArgs): Promise<OnResolveResult | undefined> {
    const { path, namespace, external, errors } = await build.resolve(args.path, {
      kind: args.kind,
      importer: args.importer,
      resolveDir: args.resolveDir,
      pluginData: RESOLVING,
    });
    if (errors.length > 0 || external || namespace !== "file") return undefined;
    // Node knows no conditions but its own.
    const byName = build.initialOptions.conditions?.length === 0;
    const isOutside = isPackaged(rootDir, path) && !NEEDS_BUNDLING.test(path);
    return isOutside ? outside(args, path, byName) : undefined;
  }

  function outside(args: OnResolveArgs, path: string, byName: boolean): OnResolveResult {
    const keepsName = byName && isFoundByName(buildDir, args.path, path);
    return { path: keepsName ? args.path : asImported(pathToFileURL(path).href, args), external: true };
  }

  return {
    name: "nats-handlers:bare-imports",
    setup(build) {
      const answers: Answers = new Map();
      build.onStart(() => answers.clear());
      build.onResolve({ filter: /\.(node|wasm)$/ }, (args) => binary(args));
      build.onResolve({ filter: /^[^./]/ }, (args) => answer(build, args, answers));
    },
  };
}

/** An `import` statement of an outside package carries its importer, so that it can be run where Node would run it. */
export function inOrder<T extends OnResolveResult | undefined>(rootDir: string, args: OnResolveArgs, found: T): T {
  if (found?.external !== true || found.path === undefined || args.kind !== "import-statement") return found;
  const importer = relative(rootDir, args.importer).split(sep).join("/");
  return { ...found, path: markedSpecifier(importer, found.path) };
}

/** `zod` of `zod/v4`, `@scope/name` of `@scope/name/sub`; undefined for what cannot be a package (`#own`, `@/db`). */
export function packageNameOf(specifier: string): string | undefined {
  return /^(@[a-z0-9~_][\w.~-]*\/)?[a-z0-9~_][\w.~-]*(?=\/|$)/i.exec(specifier)?.[0];
}

function binary(args: OnResolveArgs): OnResolveResult | undefined {
  const path = resolve(args.resolveDir, args.path);
  if (!args.path.startsWith(".") || !existsSync(path)) return undefined;
  return { path: asImported(pathToFileURL(path).href, args), external: true };
}

/** `require` takes paths, `import` takes URLs. */
function asImported(url: string, args: OnResolveArgs): string {
  return isRequire(args) && url.startsWith("file:") ? fileURLToPath(url) : url;
}

function isRequire({ kind }: OnResolveArgs): boolean {
  return kind === "require-call" || kind === "require-resolve";
}

/** Below node_modules. A project that itself lies below one (an installed sample) is still the author's. */
export function isPackaged(rootDir: string, path: string): boolean {
  const below = path.startsWith(rootDir + sep) ? relative(rootDir, path) : path;
  return below.split(sep).includes("node_modules");
}

/** Whether Node, asked for `specifier` in the build folder, loads `path` as well. */
function isFoundByName(buildDir: string, specifier: string, path: string): boolean {
  const name = packageNameOf(specifier);
  const folder = name === undefined ? undefined : nearestPackage(buildDir, name);
  if (name === undefined || folder === undefined || !path.startsWith(folder + sep)) return false;
  const manifest = readManifest(folder);
  if (manifest.exports !== undefined) return true;
  // Without `exports` Node wants the whole file name, and does not know `module`.
  const subpath = specifier.slice(name.length + 1);
  if (subpath !== "") return join(folder, subpath) === path;
  return manifest.main !== undefined || path === join(folder, "index.js");
}

function nearestPackage(from: string, name: string): string | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    const candidate = join(folder, "node_modules", name);
    if (existsSync(candidate)) return realpathSync(candidate);
    if (folder === dirname(folder)) return undefined;
  }
}

function readManifest(folder: string): { readonly exports?: unknown; readonly main?: unknown } {
  try {
    return JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  } catch {
    return {}; // no manifest: neither `exports` nor `main`
  }
}
