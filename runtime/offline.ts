// What is done with a project without NATS: look at its handlers, and build them. Nothing is left running.

import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { copyAssets } from "./build/assets.ts";
import { writeConfigProgram } from "./build/config-program.ts";
import type { Manifest } from "./build/manifest.ts";
import { copyNativePackages } from "./build/native-packages.ts";
import { openOutDir } from "./build/out-dir.ts";
import { type Packed, packHandlers } from "./build/pack-handlers.ts";
import { writeRuntimeProgram } from "./build/runtime-program.ts";
import { type GoodHandler, writeManifest } from "./build/write-manifest.ts";
import type { ScanResult } from "./discover/scan.ts";
import { startReaper } from "./isolate/reaper.ts";
import { type InspectOptions as Inspecting, type Inspection, inspectHandlers } from "./supervise/inspect.ts";
import { createWorkshop, type Workshop, type WorkshopOptions, wantedBy } from "./workshop.ts";

/** Of `emit`: told what the handlers print while they are evaluated, and of trouble with the workers. */
export type InspectOptions = Omit<WorkshopOptions, "build">;

/** Discover, build, evaluate and validate every handler. */
export function inspectProject(options: InspectOptions): Promise<Inspection> {
  return withWorkshop(options, (workshop) => inspectWith(workshop, options, workshop.discover, workshop.bundler));
}

export interface BuildOptions extends InspectOptions {
  /** Absolute. */
  readonly outDir: string;
  readonly runtimeVersion: string;
  /** Names of packages to leave out of the bundles although they could be bundled. */
  readonly external: readonly string[];
}

export interface BuiltProject {
  readonly inspection: Inspection;
  /** Undefined when anything is wrong: nothing has been written then. */
  readonly manifest: Manifest | undefined;
}

/** Build every handler for `start`. What is evaluated and checked are the bundles of the build themselves. */
export function buildProject(options: BuildOptions): Promise<BuiltProject> {
  return withWorkshop(options, async (workshop) => {
    const out = await openOutDir(options.outDir);
    try {
      const built = await buildInto(out.staging, workshop, options);
      if (built.manifest !== undefined) await out.publish();
      return built;
    } finally {
      await out.discard();
    }
  });
}

async function buildInto(outDir: string, workshop: Workshop, options: BuildOptions): Promise<BuiltProject> {
  const { config, external } = options;
  const { rootDir } = config;
  const found = await workshop.discover();
  const files = found.files.filter(({ name }) => wantedBy(config)(name));
  const packed = await packHandlers({ rootDir, outDir, files, sdkUrl: SDK_URL, external });
  const natives = await copyNativePackages(packed.leftOut, outDir);
  await copyAssets({ rootDir, handlersDir: config.handlersDir, outDir, sources: sourcesOf(packed) });
  const bundler: Inspecting["bundler"] = { build: async ({ name }) => packed.results.get(name)! };
  const inspection = await inspectWith(workshop, options, async () => found, bundler);
  const good = inspection.handlers.filter((handler) => handler.ok);
  const bad = inspection.problems.length + inspection.handlers.length - good.length;
  return { inspection, manifest: bad > 0 ? undefined : await complete(outDir, good, natives, options) };
}

async function complete(
  outDir: string,
  handlers: readonly GoodHandler[],
  natives: Manifest["natives"],
  { config, runtimeVersion }: BuildOptions,
): Promise<Manifest> {
  const { rootDir, configFile, configInputs, defaults } = config;
  await writeRuntimeProgram(outDir, runtimeVersion);
  const built = configFile === undefined ? null : await writeConfigProgram(configFile, rootDir, outDir, SDK_URL);
  return writeManifest({ rootDir, outDir, runtimeVersion, defaults, config: built, configInputs, handlers, natives });
}

const SDK_URL = new URL(`../sdk/index${extname(fileURLToPath(import.meta.url))}`, import.meta.url).href;

function sourcesOf({ results }: Packed): string[] {
  return [...new Set([...results.values()].flatMap((result) => (result.ok ? result.bundle.inputs : [])))];
}

async function withWorkshop<T>(options: InspectOptions, use: (workshop: Workshop) => Promise<T>): Promise<T> {
  const reaper = startReaper({ emit: options.emit });
  const workshop = await createWorkshop(options, reaper, 1);
  try {
    return await use(workshop);
  } finally {
    await workshop.close();
    reaper.close();
  }
}

function inspectWith(
  { inspector }: Workshop,
  { config }: InspectOptions,
  discover: () => Promise<ScanResult>,
  bundler: Inspecting["bundler"],
): Promise<Inspection> {
  return inspectHandlers({ discover, wanted: wantedBy(config), bundler, inspector });
}
