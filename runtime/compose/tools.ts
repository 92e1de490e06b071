// What turns handler files into running workers: the bundler, the warm workers, and the one that looks at bundles. From a
// build, or from the sources: only these need esbuild, so only for them it is loaded.

import { join } from "node:path";
import type { Bundler } from "../bundle/bundler.ts";
import { refusePlugAndPlay } from "../bundle/plug-and-play.ts";
import type { Clock } from "../clock.ts";
import type { ResolvedConfig } from "../config/resolved-config.ts";
import { type ScanResult, scan } from "../discover/scan.ts";
import type { Emit } from "../events.ts";
import { baseEnvironment } from "../isolate/environment.ts";
import { WorkerPool } from "../isolate/pool.ts";
import type { Reaper } from "../isolate/reaper.ts";
import type { ResolvedMetadata } from "../metadata/handler-metadata.ts";
import { matchesAny } from "../metadata/name-filter.ts";
import { BUILD_DIR } from "../prebuild/layout.ts";
import type { Prebuilt } from "../prebuild/prebuilt.ts";
import { prepareStateFolder } from "../state-folder.ts";
import { Evaluator } from "../supervise/evaluator.ts";
import type { ProgramPlace } from "../versions/program.ts";

export interface ToolsOptions {
  readonly config: ResolvedConfig;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  /** Told what the handlers print while they are evaluated, and of trouble with the workers. */
  readonly emit: Emit;
  /** Where handlers are looked at, instead of the root. */
  readonly evaluateIn?: string;
  /** Serve this instead of the sources. */
  readonly build?: Prebuilt | undefined;
  /** How long a handler that leaves something running when it is looked at must live on; 0, the default: it need not. */
  readonly settleMs?: number;
  /** Also say what handlers take and publish as JSON Schemas. */
  readonly describe?: boolean;
  /** Workers get out of the way of what serves on the same machine. */
  readonly yields?: boolean;
}

export interface Tools extends Source {
  readonly pool: WorkerPool;
  readonly evaluator: Evaluator;
  /** Nothing more is going to be built or looked at, unless somebody asks for it: end what only that needs. */
  rest(): Promise<void>;
  /** End every worker, and the bundler. */
  close(): Promise<void>;
}

/** Where handlers come from. */
interface Source {
  /** Where the paths in their stacks start from, absolute. */
  readonly sourcesDir: string;
  readonly place: ProgramPlace;
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

export async function createTools(options: ToolsOptions, reaper: Reaper, firstWorkers: number): Promise<Tools> {
  const { config, clock, emit, environment, build, settleMs = 0, describe } = options;
  const { rootDir, defaults, startTimeoutMs } = config;
  const { entry, preload, ...source } = build === undefined ? await fromSources(config) : fromBuild(build);
  const pool = new WorkerPool({
    first: firstWorkers,
    memoryMiB: defaults.memoryMiB,
    env: { ...baseEnvironment(environment), ...packagesOf(options) },
    entry,
    preload,
    yields: options.yields,
    reaper,
    clock,
    emit,
  });
  const { known, bundler } = source;
  const looking = { rootDir: options.evaluateIn ?? rootDir, defaults, startTimeoutMs, settleMs, describe, clock, emit };
  const evaluator = new Evaluator({ ...looking, environment, known, pool });
  return {
    ...source,
    pool,
    evaluator,
    async rest() {
      evaluator.rest();
      await bundler.rest();
    },
    async close() {
      evaluator.close();
      await pool.close();
      await bundler.close();
    },
  };
}

/**
 * Some packages look for others from where they were called, which for source maps is the source, and not the build: so what the
 * build has is found from anywhere.
 */
function packagesOf({ build, evaluateIn }: ToolsOptions): { NODE_PATH?: string } {
  const dir = build?.dir ?? (evaluateIn === undefined ? undefined : join(evaluateIn, BUILD_DIR));
  return dir === undefined ? {} : { NODE_PATH: join(dir, "node_modules") };
}

function fromBuild({
  dir,
  manifest,
  sourcesDir,
  discover,
  bundler,
  known,
  workerEntry,
  workerPreload,
}: Prebuilt): Source & WorkerCode {
  const place: ProgramPlace = { made: "build", dir, rootDir: sourcesDir, runtime: manifest.runtime };
  return { sourcesDir, place, discover, bundler, known, entry: workerEntry, preload: workerPreload };
}

async function fromSources({
  rootDir,
  handlersDir,
  stateDir,
  preload,
  conditions,
}: ResolvedConfig): Promise<Source & WorkerCode> {
  refusePlugAndPlay(rootDir);
  await prepareStateFolder(stateDir);
  const [{ prepareWorkerProgram }, { createBundler }, { preloadFiles, withPreloads }, esbuild] = await Promise.all([
    import("../bundle/worker-program.ts"),
    import("../bundle/bundler.ts"),
    import("../bundle/preloads.ts"),
    import("../bundle/esbuild-process.ts"),
  ]);
  return esbuild.holding(async () => {
    const { entry, sdkUrl, preloadUrl } = await prepareWorkerProgram(stateDir);
    const bundler = createBundler({ rootDir, buildDir: join(stateDir, "build"), sdkUrl, conditions });
    return {
      entry,
      preload: [sdkUrl, preloadUrl],
      bundler: withPreloads(bundler, preloadFiles(rootDir, preload)),
      sourcesDir: rootDir,
      place: { made: "sources", rootDir, sdkUrl },
      discover: () => scan(rootDir, handlersDir),
      known: () => undefined,
    };
  });
}

/** How many workers are wanted as soon as handlers come up, `most` at a time. Only a build tells how many handlers there are. */
export function workersAtStart({ config, build }: ToolsOptions, most: number): number {
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
