// What turns handler files into running workers: the bundler, the warm workers, and the one that looks at bundles. From a
// build, or from the sources: only these need esbuild, so only for them it is loaded.

import { join } from "node:path";
import type { Prebuilt } from "./build/prebuilt.ts";
import type { Bundler } from "./bundle/bundler.ts";
import type { Clock } from "./clock.ts";
import type { ResolvedConfig } from "./config/resolved-config.ts";
import { type ScanResult, scan } from "./discover/scan.ts";
import type { Emit } from "./events.ts";
import { baseEnvironment } from "./isolate/environment.ts";
import { WorkerPool } from "./isolate/pool.ts";
import type { Reaper } from "./isolate/reaper.ts";
import type { ResolvedMetadata } from "./metadata/handler-metadata.ts";
import { matchesAny } from "./metadata/name-filter.ts";
import { prepareStateFolder } from "./state-folder.ts";
import { Inspector } from "./supervise/inspector.ts";

export interface WorkshopOptions {
  readonly config: ResolvedConfig;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  /** Told what the handlers print while they are evaluated, and of trouble with the workers. */
  readonly emit: Emit;
  /** Serve this instead of the sources. */
  readonly build?: Prebuilt | undefined;
}

export interface Workshop extends Source {
  readonly pool: WorkerPool;
  readonly inspector: Inspector;
  /** Nothing more is going to be built or looked at, unless somebody asks for it: end what only that needs. */
  rest(): Promise<void>;
  /** End every worker, and the bundler. */
  close(): Promise<void>;
}

/** Where handlers come from. */
interface Source {
  readonly discover: () => Promise<ScanResult>;
  readonly bundler: Bundler;
  /** Metadata found out when the handler was built; undefined: it is found out by evaluating it. */
  readonly known: (handler: string) => ResolvedMetadata | undefined;
}

interface WorkerCode {
  /** Path of the program that workers run. */
  readonly entry: string;
  readonly preload: readonly string[];
}

export async function createWorkshop(
  options: WorkshopOptions,
  reaper: Reaper,
  firstWorkers: number,
): Promise<Workshop> {
  const { config, clock, emit, environment, build } = options;
  const { rootDir, defaults, startTimeoutMs } = config;
  const { entry, preload, ...source } = build === undefined ? await fromSources(config) : fromBuild(build);
  const pool = new WorkerPool({
    first: firstWorkers,
    memoryMiB: defaults.memoryMiB,
    env: baseEnvironment(environment),
    entry,
    preload,
    reaper,
    clock,
    emit,
  });
  const { known, bundler } = source;
  const inspector = new Inspector({ rootDir, defaults, startTimeoutMs, environment, known, pool, clock, emit });
  return {
    ...source,
    pool,
    inspector,
    async rest() {
      inspector.rest();
      await bundler.rest();
    },
    async close() {
      inspector.close();
      await pool.close();
      await bundler.close();
    },
  };
}

function fromBuild({ discover, bundler, known, workerEntry }: Prebuilt): Source & WorkerCode {
  return { discover, bundler, known, entry: workerEntry, preload: [] };
}

async function fromSources({ rootDir, handlersDir, stateDir }: ResolvedConfig): Promise<Source & WorkerCode> {
  await prepareStateFolder(stateDir);
  const [{ prepareWorkerProgram }, { createBundler }, esbuild] = await Promise.all([
    import("./bundle/worker-program.ts"),
    import("./bundle/bundler.ts"),
    import("./bundle/esbuild-process.ts"),
  ]);
  return esbuild.holding(async () => {
    const { entry, sdkUrl, preloadUrl } = await prepareWorkerProgram(stateDir);
    return {
      entry,
      preload: [sdkUrl, preloadUrl],
      bundler: createBundler({ rootDir, buildDir: join(stateDir, "build"), sdkUrl }),
      discover: () => scan(rootDir, handlersDir),
      known: () => undefined,
    };
  });
}

/** How many workers are wanted as soon as handlers come up, `most` at a time. Only a build tells how many handlers there are. */
export function workersAtStart({ config, build }: WorkshopOptions, most: number): number {
  if (build === undefined) return config.warmWorkers;
  const { handlers } = build.manifest;
  const served = handlers.filter(({ name, metadata }) => wantedBy(config)(name) && !metadata.disabled);
  const isCrowded = served.length > config.eagerWorkers;
  const taking = served.filter(({ metadata }) => !isCrowded || metadata.minWorkers > 0);
  return Math.min(taking.filter(({ metadata }) => metadata.memoryMiB === config.defaults.memoryMiB).length, most);
}

/** Whether a handler of this name is to be served at all. */
export function wantedBy({ only }: ResolvedConfig): (name: string) => boolean {
  return only.length === 0 ? () => true : matchesAny(only);
}
