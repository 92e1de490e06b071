// What is done with a project without NATS: look at its handlers, and build them. Nothing is left running.

import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { placePreload } from "../bundle/preload.ts";
import { preloadFiles } from "../bundle/preloads.ts";
import type { HandlerFile } from "../discover/handler-file.ts";
import type { ScanResult } from "../discover/scan.ts";
import { startReaper } from "../isolate/reaper.ts";
import { copyAssets } from "../prebuild/assets.ts";
import { writeConfigProgram } from "../prebuild/config-program.ts";
import { toldAtHome } from "../prebuild/elsewhere.ts";
import { RUNTIME } from "../prebuild/layout.ts";
import type { Manifest } from "../prebuild/manifest.ts";
import { type OutDir, openOutDir } from "../prebuild/out-dir.ts";
import { type Packed, packHandlers } from "../prebuild/pack-handlers.ts";
import { packPrograms } from "../prebuild/pack-programs.ts";
import { copyPackages } from "../prebuild/place-packages.ts";
import { writeRuntimeProgram } from "../prebuild/runtime-program.ts";
import { type GoodHandler, type ManifestRequest, writeManifest } from "../prebuild/write-manifest.ts";
import { checkHandlers, type InspectOptions, inspectHandler, type ProjectCheck } from "../supervise/check-handlers.ts";
import { createTools, type Tools, type ToolsOptions, wantedBy } from "./tools.ts";

/** Of `emit`: told what the handlers print while they are evaluated, and of trouble with the workers. */
export type CheckOptions = Omit<ToolsOptions, "build">;

/** Discover, build, evaluate and validate every handler. */
export function checkProject(options: CheckOptions): Promise<ProjectCheck> {
  return withTools(options, (tools) => checkWith(tools, options, tools.discover, tools.bundler));
}

export interface BuildOptions extends CheckOptions {
  /** Absolute. */
  readonly outDir: string;
  readonly runtimeVersion: string;
  /** Names of packages to leave out of the bundles although they could be bundled, beside the configuration's. */
  readonly external: readonly string[];
}

export interface BuiltProject {
  readonly checked: ProjectCheck;
  /** Undefined when anything is wrong: nothing has been written then. */
  readonly manifest: Manifest | undefined;
}

/**
 * Build every handler for `start`. What is evaluated and checked are the bundles of the build themselves, where nothing of the
 * project is to be seen.
 */
export async function buildProject(options: BuildOptions): Promise<BuiltProject> {
  const out = await openOutDir(options.outDir);
  try {
    const built = await withTools({ ...options, evaluateIn: out.place }, (tools) => buildInto(out, tools, options));
    if (built.manifest !== undefined) await out.publish();
    return built;
  } finally {
    await out.discard();
  }
}

async function buildInto(
  { place, staging: outDir }: OutDir,
  tools: Tools,
  options: BuildOptions,
): Promise<BuiltProject> {
  const { config } = options;
  const external = [...config.external, ...options.external];
  const { rootDir, conditions } = config;
  const found = await tools.discover();
  const files = found.files.filter(({ name }) => wantedBy(config)(name));
  const preloads = preloadFiles(rootDir, config.preload);
  const packed = await packHandlers({ rootDir, outDir, files, preloads, sdkUrl: SDK_URL, external, conditions });
  const copied = await copyPackages(packed.leftOut, outDir);
  await copyAssets({ rootDir, handlersDir: config.handlersDir, outDir, reached: packed.data });
  const bundler: InspectOptions["bundler"] = { build: async ({ name }) => packed.results.get(name)! };
  const looked = await checkWith(tools, options, async () => found, bundler);
  const names = copied.map(({ name }) => name);
  const handlers = looked.handlers.map((handler) => {
    if (handler.ok) return handler;
    return { ...handler, error: toldAtHome(handler.error, { rootDir, place, file: handler.file, copied: names }) };
  });
  const checked = { ...looked, handlers };
  const good = handlers.flatMap((handler): GoodHandler[] => {
    const built = packed.results.get(handler.name);
    return handler.ok && built?.ok === true ? [{ ...handler, bundle: built.bundle }] : [];
  });
  const bad = checked.problems.length + handlers.length - good.length;
  if (bad > 0) return { checked, manifest: undefined };
  const handlersIn = good.map((handler) => ({ ...handler, file: files.find(({ name }) => name === handler.name)! }));
  const about = { rootDir, outDir, sdkUrl: SDK_URL, external, conditions };
  const groups = await packPrograms({ ...about, scratchDir: place, handlers: handlersIn });
  return {
    checked,
    manifest: await complete(outDir, packed, { handlers: good, groups, preload: packed.preloads, copied }, options),
  };
}

async function complete(
  outDir: string,
  { zod }: Packed,
  made: Pick<ManifestRequest, "handlers" | "groups" | "preload" | "copied">,
  { config, runtimeVersion }: BuildOptions,
): Promise<Manifest> {
  const { rootDir, configFile, configInputs, defaults } = config;
  await writeRuntimeProgram(outDir, runtimeVersion);
  if (zod !== "none") await placePreload(join(outDir, RUNTIME), { zodAlone: zod === "itself" });
  const built = configFile === undefined ? null : await writeConfigProgram(configFile, rootDir, outDir, SDK_URL);
  return writeManifest({
    rootDir,
    outDir,
    runtimeVersion,
    defaults,
    config: built,
    configInputs,
    ...made,
  });
}

const SDK_URL = new URL(`../../sdk/index${extname(fileURLToPath(import.meta.url))}`, import.meta.url).href;

async function withTools<T>(options: Omit<ToolsOptions, "build">, use: (tools: Tools) => Promise<T>): Promise<T> {
  const reaper = startReaper({ emit: options.emit });
  const tools = await createTools(options, reaper, 1);
  try {
    return await use(tools);
  } finally {
    await tools.close();
    reaper.close();
  }
}

function checkWith(
  { evaluator }: Tools,
  { config }: CheckOptions,
  discover: () => Promise<ScanResult>,
  bundler: InspectOptions["bundler"],
): Promise<ProjectCheck> {
  const inspect = (file: HandlerFile) => inspectHandler(file, { bundler, evaluator });
  return checkHandlers({ discover, wanted: wantedBy(config), inspect });
}
