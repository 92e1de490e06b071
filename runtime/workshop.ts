// What turns files into running workers: the bundler, the warm workers, and the one that looks at bundles. And what only
// needs these: looking at a whole project.

import { join } from "node:path";
import { type Bundler, createBundler } from "./bundle/bundler.ts";
import { prepareWorkerProgram } from "./bundle/worker-program.ts";
import type { Clock } from "./clock.ts";
import type { ResolvedConfig } from "./config/resolved-config.ts";
import type { Emit } from "./events.ts";
import { baseEnvironment } from "./isolate/environment.ts";
import { WorkerPool } from "./isolate/pool.ts";
import { type Reaper, startReaper } from "./isolate/reaper.ts";
import { prepareStateFolder } from "./state-folder.ts";
import { type Inspection, inspectHandlers } from "./supervise/inspect.ts";
import { Inspector } from "./supervise/inspector.ts";
import { matchesAny } from "./supervise/name-filter.ts";

export interface WorkshopOptions {
  readonly config: ResolvedConfig;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  /** Told what the handlers print while they are evaluated, and of trouble with the workers. */
  readonly emit: Emit;
}

/** Discover, build, evaluate and validate every handler. Needs no NATS, serves nothing and leaves nothing running. */
export async function inspectProject(options: WorkshopOptions): Promise<Inspection> {
  const { config, emit } = options;
  await prepareStateFolder(config.stateDir);
  const reaper = startReaper({ emit });
  const { pool, bundler, inspector } = await createWorkshop(options, reaper, 1);
  try {
    return await inspectHandlers({
      rootDir: config.rootDir,
      handlersDir: config.handlersDir,
      wanted: wantedBy(config),
      bundler,
      inspector,
    });
  } finally {
    await pool.close();
    await bundler.close();
    reaper.close();
  }
}

/** Whether a handler of this name is to be served at all. */
export function wantedBy({ only }: ResolvedConfig): (name: string) => boolean {
  return only.length === 0 ? () => true : matchesAny(only);
}

export interface Workshop {
  readonly pool: WorkerPool;
  readonly bundler: Bundler;
  readonly inspector: Inspector;
}

export async function createWorkshop(
  { config, clock, emit, environment }: WorkshopOptions,
  reaper: Reaper,
  warmWorkers: number,
): Promise<Workshop> {
  const { entry, sdkUrl, preloadUrl } = await prepareWorkerProgram(config.stateDir);
  const pool = new WorkerPool({
    size: warmWorkers,
    memoryMiB: config.defaults.memoryMiB,
    env: baseEnvironment(environment),
    entry,
    preload: [sdkUrl, preloadUrl],
    reaper,
    clock,
    emit,
  });
  const { rootDir, defaults, startTimeoutMs, stateDir } = config;
  return {
    pool,
    bundler: createBundler({ rootDir, buildDir: join(stateDir, "build"), sdkUrl }),
    inspector: new Inspector({ rootDir, defaults, startTimeoutMs, environment, pool, clock, emit }),
  };
}
