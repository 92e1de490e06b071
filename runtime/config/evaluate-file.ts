// Finds `handlers.config.*` and gives its default export. The file is the user's own trusted code and the only code of
// theirs that runs in the supervisor. It is bundled first, so that TypeScript works wherever the runtime is installed.

import { createHash } from "node:crypto";
import { mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { isBuiltin, SourceMap, type SourceMapPayload, type SourceMapping } from "node:module";
import { basename, dirname, extname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { BuildResult, Message, Plugin } from "esbuild";
import { RuntimeError, type SourcePlace } from "../errors.ts";
import { ownStateFolder, prepareStateFolder, temporaryStateFolder } from "../state-folder.ts";
import type { EvaluatedFile } from "./file-config.ts";

const NAMES = ["handlers.config.ts", "handlers.config.mts", "handlers.config.js", "handlers.config.mjs"];

export interface FindRequest {
  readonly rootDir: string;
  readonly stateDir: string;
  /** From `--config`: absolute, or from the root. */
  readonly path: string | undefined;
}

/**
 * The evaluated file, or undefined when there is none and none was asked for. Throws CONFIG_UNREADABLE when the file
 * asked for is missing, does not build, throws, or has no default export; with its place and code frame where known.
 */
export async function evaluateConfigFile(request: FindRequest): Promise<EvaluatedFile | undefined> {
  const path = await find(request);
  if (path === undefined) return undefined;
  const displayPath = displayOf(request.rootDir, path);
  const { bundled, exported } = await evaluate(path, displayPath, request);
  if (exported === undefined) {
    throw new RuntimeError("CONFIG_UNREADABLE", `${displayPath} has no default export`, {
      place: { file: displayPath },
      remedy: "Write `export default defineConfig({ ... });`.",
    });
  }
  return { path, displayPath, source: await readFile(path, "utf8"), value: exported, inputs: bundled.inputs };
}

/** The configuration of a build: a module that needs nothing beside it. Throws CONFIG_UNREADABLE. */
export async function evaluateBuiltConfig(
  built: { readonly path: string; readonly displayPath: string } | undefined,
  rootDir: string,
): Promise<EvaluatedFile | undefined> {
  if (built === undefined) return undefined;
  const { path, displayPath } = built;
  try {
    const module = (await import(/* @vite-ignore */ pathToFileURL(path).href)) as { default?: unknown };
    return { path: resolve(rootDir, displayPath), displayPath, source: "", value: module.default, inputs: [] };
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new RuntimeError("CONFIG_UNREADABLE", `${displayPath}, as it was built, threw: ${message}`, { cause });
  }
}

async function find({ rootDir, path }: FindRequest): Promise<string | undefined> {
  const wanted = (path === undefined ? NAMES : [path]).map((name) => resolve(rootDir, name));
  for (const candidate of wanted) {
    if ((await stat(candidate).catch(() => undefined))?.isFile()) return candidate;
  }
  if (path === undefined) return undefined;
  throw new RuntimeError("CONFIG_UNREADABLE", `there is no configuration file "${path}"`, {
    place: { file: displayOf(rootDir, resolve(rootDir, path)) },
  });
}

interface BundledConfig {
  readonly code: string;
  readonly map: SourceMapPayload;
  readonly inputs: readonly string[];
}

/** @param packages by their names, where Node finds them from the bundle's place; else by their paths */
async function bundle(
  path: string,
  displayPath: string,
  rootDir: string,
  packages: "by-name" | "by-path",
): Promise<BundledConfig> {
  // Loaded only now: without a configuration file esbuild is not needed here.
  const { build } = await import("esbuild");
  const place = { filename: path, dirname: dirname(path), url: pathToFileURL(path).href };
  const define = Object.entries(place).map(([key, value]) => [`import.meta.${key}`, JSON.stringify(value)]);
  try {
    const result = await build({
      entryPoints: [path],
      absWorkingDir: rootDir,
      outfile: join(rootDir, "config.mjs"),
      bundle: true,
      write: false,
      metafile: true,
      sourcemap: "external",
      sourcesContent: false,
      platform: "node",
      format: "esm",
      target: "node22",
      packages: packages === "by-name" ? "external" : "bundle",
      logLevel: "silent",
      define: Object.fromEntries(define),
      plugins: packages === "by-name" ? [sdk] : [sdk, packagesByPath],
    });
    return collect(result, rootDir);
  } catch (cause) {
    throw buildFailed((cause as { errors?: Message[] }).errors ?? [], displayPath, cause);
  }
}

/** The sdk this runtime belongs to, not one that may be missing from the project. */
function ownSdk(): { path: string; external: true } {
  return {
    path: new URL(`../../sdk/index${extname(fileURLToPath(import.meta.url))}`, import.meta.url).href,
    external: true,
  };
}

const sdk: Plugin = {
  name: "sdk",
  setup: (hooks) => hooks.onResolve({ filter: /^nats-handlers$/ }, ownSdk),
};

const RESOLVING = Symbol("resolving");

const packagesByPath: Plugin = {
  name: "packages by path",
  setup(hooks) {
    hooks.onResolve({ filter: /^[^./]/ }, async (args) => {
      if (args.pluginData === RESOLVING || args.kind === "entry-point") return undefined;
      if (isBuiltin(args.path)) return { path: args.path, external: true };
      const { kind, importer, resolveDir } = args;
      const found = await hooks.resolve(args.path, { kind, importer, resolveDir, pluginData: RESOLVING });
      const isPackage = found.errors.length === 0 && found.path.split(sep).includes("node_modules");
      return isPackage ? { path: pathToFileURL(found.path).href, external: true } : undefined;
    });
  },
};

function collect(result: BuildResult<{ write: false; metafile: true }>, rootDir: string): BundledConfig {
  const textOf = (ending: string) => result.outputFiles.find((file) => file.path.endsWith(ending))?.text ?? "{}";
  return {
    code: textOf(".mjs"),
    map: JSON.parse(textOf(".map")) as SourceMapPayload,
    inputs: Object.keys(result.metafile.inputs).map((input) => resolve(rootDir, input)),
  };
}

function buildFailed(errors: readonly Message[], displayPath: string, cause: unknown): RuntimeError {
  const [first] = errors;
  const location = first?.location;
  const what = first === undefined ? String(cause) : errors.map((error) => error.text).join("; ");
  if (!location) return new RuntimeError("CONFIG_UNREADABLE", `${displayPath} does not build: ${what}`, { cause });
  const gutter = `  ${location.line} | `;
  const marker = `${" ".repeat(gutter.length + location.column)}${"^".repeat(Math.max(1, location.length))}`;
  return new RuntimeError("CONFIG_UNREADABLE", `${displayPath} does not build: ${what}`, {
    place: { file: location.file, line: location.line, column: location.column + 1 },
    frame: `${gutter}${location.lineText}\n${marker}`,
    cause,
  });
}

interface Evaluated {
  readonly bundled: BundledConfig;
  readonly exported: unknown;
}

/** From the project's own folder; from a temporary one when that is full or may not be written to. */
async function evaluate(path: string, displayPath: string, { rootDir, stateDir }: FindRequest): Promise<Evaluated> {
  const places = new Set([stateDir, temporaryStateFolder(rootDir)]);
  let denied: unknown;
  for (const place of places) {
    const packages = place === ownStateFolder(rootDir) ? "by-name" : "by-path";
    const bundled = await bundle(path, displayPath, rootDir, packages);
    const hash = createHash("sha256").update(bundled.code).digest("hex").slice(0, 12);
    // The process id keeps two commands run at the same time from removing each other's file.
    const bundlePath = join(place, "config", `${hash}-${process.pid}.mjs`);
    try {
      await writeBundle(bundlePath, place, bundled.code);
    } catch (cause) {
      denied ??= cause;
      await rm(bundlePath, { force: true }).catch(() => undefined); // Half of it, on a full disk.
      continue;
    }
    return { bundled, exported: await importBundle(bundled, { bundlePath, displayPath, rootDir }) };
  }
  throw new RuntimeError("CONFIG_UNREADABLE", `${displayPath} cannot be evaluated: ${(denied as Error).message}`, {
    remedy: `Let the runtime write to ${[...places].join(" or ")}: the built configuration is put there for a moment.`,
    cause: denied,
  });
}

async function writeBundle(bundlePath: string, stateDir: string, code: string): Promise<void> {
  await prepareStateFolder(stateDir);
  await mkdir(dirname(bundlePath), { recursive: true });
  await writeFile(bundlePath, code);
}

async function importBundle(bundled: BundledConfig, paths: EvaluationPaths): Promise<unknown> {
  try {
    const module = (await import(/* @vite-ignore */ pathToFileURL(paths.bundlePath).href)) as { default?: unknown };
    return module.default;
  } catch (cause) {
    throw evaluationFailed(cause, bundled, paths);
  } finally {
    await rm(paths.bundlePath, { force: true });
  }
}

interface EvaluationPaths {
  readonly bundlePath: string;
  readonly displayPath: string;
  readonly rootDir: string;
}

function evaluationFailed(cause: unknown, bundled: BundledConfig, paths: EvaluationPaths): RuntimeError {
  const { bundlePath, displayPath } = paths;
  const message = cause instanceof Error ? cause.message : String(cause);
  const shown = message.replace(` imported from ${bundlePath}`, "");
  const missing = (cause as { code?: unknown } | null)?.code === "ERR_MODULE_NOT_FOUND";
  return new RuntimeError("CONFIG_UNREADABLE", `${displayPath} ${missing ? "does not load" : "threw"}: ${shown}`, {
    place: placeOf(cause, bundled, paths) ?? { file: displayPath },
    ...(missing ? { remedy: "Install the missing package, or correct the import." } : {}),
    cause,
  });
}

/** The first frame of the stack that lies in the bundle, in the author's own lines. */
function placeOf(
  cause: unknown,
  { map }: BundledConfig,
  { bundlePath, rootDir }: EvaluationPaths,
): SourcePlace | undefined {
  const stack = cause instanceof Error ? (cause.stack ?? "") : "";
  const frame = stack.split("\n").find((line) => line.includes(basename(bundlePath)));
  const [, line, column] = /:(\d+):(\d+)\)?\s*$/.exec(frame ?? "") ?? [];
  if (line === undefined || column === undefined) return undefined;
  const entry = new SourceMap(map).findEntry(Number(line) - 1, Number(column) - 1) as Partial<SourceMapping>;
  if (entry.originalSource === undefined) return undefined;
  return {
    file: displayOf(rootDir, resolve(rootDir, entry.originalSource)),
    line: (entry.originalLine ?? 0) + 1,
    column: (entry.originalColumn ?? 0) + 1,
  };
}

function displayOf(rootDir: string, path: string): string {
  const below = relative(rootDir, path);
  return below.startsWith("..") ? path : below.split(sep).join("/");
}
