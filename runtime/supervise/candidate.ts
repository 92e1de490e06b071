// Brings one bundle up in a worker: load, check what it exports, run its set-up. Nothing of what serves is touched.
//
// A candidate that does not come up leaves no process behind, and says why with file and line.

import { readFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import type { Bundle } from "../bundle/bundle.ts";
import { type Clock, within } from "../clock.ts";
import type { HandlerFile } from "../discover/handler-file.ts";
import { RuntimeError } from "../errors.ts";
import { BundleFault } from "../isolate/bundle-fault.ts";
import { declaredEnvironment } from "../isolate/environment.ts";
import type { HandlerWorker, WorkerListener, WorkerSource } from "../isolate/worker-source.ts";
import type { HandlerDefaults, ResolvedMetadata } from "../metadata/handler-metadata.ts";
import { checkExports } from "./check-exports.ts";
import type { Groups } from "./groups.ts";
import { guessLaunchNeeds, type LaunchNeeds, launchNeedsOf, sameLaunchNeeds } from "./launch-needs.ts";
import { faultError, tooSlow } from "./load-fault.ts";
import { Superseded } from "./superseded.ts";

export interface CandidateOptions {
  readonly file: HandlerFile;
  readonly bundle: Bundle;
  /** Profile of the version before, if there was one. */
  readonly known: LaunchNeeds | undefined;
  readonly rootDir: string;
  /** Where the paths in stacks start from. */
  readonly sourcesDir: string;
  readonly defaults: HandlerDefaults;
  readonly startTimeoutMs: number;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly inspectPort: number | undefined;
  readonly pool: WorkerSource;
  /** The processes of groups; undefined: it is to have one of its own. */
  readonly groups?: Pick<Groups, "take"> | undefined;
  readonly clock: Clock;
  readonly listener: WorkerListener;
  /** Whether it is to say what it takes and publishes, as JSON Schemas. */
  readonly describe?: boolean;
  /** Aborts when a newer version makes this one pointless. */
  readonly signal: AbortSignal;
}

export interface LoadedCandidate {
  readonly worker: HandlerWorker;
  readonly metadata: ResolvedMetadata;
}

/** Load the bundle and check its exports. Rejects with a RuntimeError, or with Superseded. */
export async function loadCandidate(options: CandidateOptions): Promise<LoadedCandidate> {
  const source = readFile(options.file.path, "utf8").catch(() => "");
  const needs = options.known ?? guessLaunchNeeds(await source, options.defaults);
  const first = await loadWith(needs, source, options);
  const needed = launchNeedsOf(first.metadata);
  if (sameLaunchNeeds(needs, needed)) return checked(first, options);
  first.worker.terminate();
  return checked(await loadWith(needed, source, options), options);
}

/** Run the author's `setup`, as `begin` starts it. The worker is killed when that fails. */
export async function setUpCandidate(
  worker: HandlerWorker,
  begin: () => Promise<void>,
  options: CandidateOptions,
): Promise<void> {
  await awaitLoad(worker, begin(), "setup", options);
}

async function loadWith(
  needs: LaunchNeeds,
  reading: Promise<string>,
  options: CandidateOptions,
): Promise<LoadedCandidate> {
  const { file, bundle, pool, rootDir } = options;
  if (options.signal.aborted) throw new Superseded();
  const worker = (await ofItsGroup(needs, options)) ?? (await pool.take(needs.memoryMiB));
  const { values } = declaredEnvironment(needs.env, options.environment);
  const url = `${pathToFileURL(bundle.path).href}`;
  const { inspectPort, describe = false } = options;
  const request = {
    handler: file.name,
    url,
    preload: bundle.preload.map((path) => pathToFileURL(path).href),
    env: values,
    cwd: rootDir,
    ...(inspectPort === undefined ? {} : { inspectPort }),
    ...(describe ? { describe } : {}),
  };
  const loaded = await awaitLoad(worker, worker.load(request, options.listener), "import", options);
  const source = await reading;
  try {
    return { worker, metadata: checkExports(loaded, { file, source, defaults: options.defaults }) };
  } catch (error) {
    worker.terminate();
    throw error;
  }
}

async function ofItsGroup({ group, memoryMiB }: LaunchNeeds, { groups, file, bundle }: CandidateOptions) {
  return group === undefined ? undefined : groups?.take(group, { file, bundle, memoryMiB });
}

/** The environment is checked after the metadata, so that the author hears of wrong metadata first. */
function checked(candidate: LoadedCandidate, { file, environment }: CandidateOptions): LoadedCandidate {
  const { missing } = declaredEnvironment(candidate.metadata.env, environment);
  if (missing.length === 0) return candidate;
  candidate.worker.terminate();
  throw new RuntimeError(
    "HANDLER_ENV_MISSING",
    `handler "${file.name}" needs ${missing.join(", ")} in the environment`,
    {
      handler: file.name,
      place: { file: file.displayPath },
      remedy: "Set it where the runtime is started, or take it out of the handler's `env`.",
    },
  );
}

export type LoadStep = Pick<CandidateOptions, "file" | "sourcesDir" | "clock" | "startTimeoutMs" | "signal">;

/** The result of a load or a set-up. When it fails, hangs or is superseded the worker is killed, and the error says where. */
export async function awaitLoad<T>(
  worker: HandlerWorker,
  step: Promise<T>,
  phase: "import" | "setup",
  options: LoadStep,
): Promise<T> {
  const { signal, clock, startTimeoutMs } = options;
  const stop = () => worker.terminate();
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  try {
    const result = await within(clock, startTimeoutMs, step);
    if (signal.aborted) throw new Superseded();
    if (result === "expired") throw tooSlow(phase, options.file, startTimeoutMs);
    return result;
  } catch (error) {
    worker.terminate();
    step.catch(() => undefined); // Its own failure is a consequence of the termination.
    if (signal.aborted) throw new Superseded();
    if (error instanceof BundleFault) throw await faultError(error, phase, options);
    throw error;
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
