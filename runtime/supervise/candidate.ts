// Brings one bundle up in a worker: load, check what it exports, run its set-up. Nothing of what serves is touched.
//
// A candidate that does not come up leaves no process behind, and says why with file and line.

import { readFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import type { Bundle } from "../bundle/bundle.ts";
import { codeFrame } from "../bundle/frame.ts";
import { type Clock, within } from "../clock.ts";
import type { SerializedError } from "../deliver/outcome.ts";
import type { HandlerFile } from "../discover/handler-file.ts";
import { RuntimeError, type SourcePlace } from "../errors.ts";
import { BundleFault } from "../isolate/bundle-fault.ts";
import { declaredEnvironment } from "../isolate/environment.ts";
import type { WorkerPool } from "../isolate/pool.ts";
import type { WorkerListener, WorkerProcess } from "../isolate/worker-process.ts";
import type { HandlerDefaults, ResolvedMetadata } from "../metadata/handler-metadata.ts";
import { checkExports } from "./exports.ts";
import { guessProfile, type Profile, profileOf, sameProfile } from "./profile.ts";
import { placeInStack } from "./stack-place.ts";

export interface CandidateOptions {
  readonly file: HandlerFile;
  readonly bundle: Bundle;
  /** Profile of the version before, if there was one. */
  readonly known: Profile | undefined;
  readonly rootDir: string;
  readonly defaults: HandlerDefaults;
  readonly startTimeoutMs: number;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly inspectPort: number | undefined;
  readonly pool: WorkerPool;
  readonly clock: Clock;
  readonly listener: WorkerListener;
  /** Aborts when a newer version makes this one pointless. */
  readonly signal: AbortSignal;
}

export interface LoadedCandidate {
  readonly worker: WorkerProcess;
  readonly metadata: ResolvedMetadata;
}

/** Thrown when `signal` aborted: nobody needs to hear of it. */
export class Superseded extends Error {
  override readonly name = "Superseded";
}

/** Load the bundle and check its exports. Rejects with a RuntimeError, or with Superseded. */
export async function loadCandidate(options: CandidateOptions): Promise<LoadedCandidate> {
  const source = readFile(options.file.path, "utf8").catch(() => "");
  const profile = options.known ?? guessProfile(await source, options.defaults);
  const first = await loadWith(profile, source, options);
  const needed = profileOf(first.metadata);
  if (sameProfile(profile, needed)) return checked(first, options);
  first.worker.terminate();
  return checked(await loadWith(needed, source, options), options);
}

/** Run the author's `setup`, as `begin` starts it. The worker is killed when that fails. */
export async function setUpCandidate(
  worker: WorkerProcess,
  begin: () => Promise<void>,
  options: CandidateOptions,
): Promise<void> {
  await awaitLoad(worker, begin(), "setup", options);
}

async function loadWith(
  profile: Profile,
  reading: Promise<string>,
  options: CandidateOptions,
): Promise<LoadedCandidate> {
  const { file, bundle, pool, rootDir } = options;
  const worker = await pool.take(profile.memoryMiB);
  const { values } = declaredEnvironment(profile.env, options.environment);
  const url = `${pathToFileURL(bundle.path).href}`;
  const { inspectPort } = options;
  const request = {
    handler: file.name,
    url,
    env: values,
    cwd: rootDir,
    ...(inspectPort === undefined ? {} : { inspectPort }),
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

type LoadStep = Pick<CandidateOptions, "file" | "rootDir" | "clock" | "startTimeoutMs" | "signal">;

/** The result of a load or a set-up. When it fails, hangs or is superseded the worker is killed, and the error says where. */
export async function awaitLoad<T>(
  worker: WorkerProcess,
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
    if (result === "expired") throw tooSlow(phase, options);
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

function tooSlow(phase: "import" | "setup", { file, startTimeoutMs }: LoadStep): RuntimeError {
  const what = phase === "import" ? "evaluating its top level" : "waiting for its `setup`";
  return new RuntimeError(
    "HANDLER_LOAD_TIMED_OUT",
    `handler "${file.name}" was still ${what} after ${startTimeoutMs} ms; its worker was killed`,
    {
      handler: file.name,
      place: { file: file.displayPath },
      remedy:
        "Look for an endless loop or an await that never ends; `startTimeout` in the configuration allows more time.",
    },
  );
}

async function faultError(fault: BundleFault, phase: "import" | "setup", options: LoadStep): Promise<RuntimeError> {
  const { file, rootDir } = options;
  const doing = phase === "import" ? "being imported" : "running its `setup`";
  const place = placeInStack(fault.error.stack, rootDir);
  const frame = place === undefined ? undefined : await frameAt(rootDir, place);
  const what =
    fault.where === "exit" ? `${fault.error.message} while ${doing}` : `threw while ${doing}: ${describe(fault.error)}`;
  return new RuntimeError(
    phase === "import" ? "HANDLER_LOAD_FAILED" : "HANDLER_SETUP_FAILED",
    `handler "${file.name}" ${what}`,
    {
      handler: file.name,
      place: place ?? { file: file.displayPath },
      stack: fault.error.stack,
      ...(frame === undefined ? {} : { frame }),
    },
  );
}

function describe({ name, message }: SerializedError): string {
  return name === "Error" ? message : `${name}: ${message}`;
}

async function frameAt(rootDir: string, place: SourcePlace): Promise<string | undefined> {
  const source = await readFile(`${rootDir}/${place.file}`, "utf8").catch(() => undefined);
  return source === undefined ? undefined : codeFrame(source, place.line ?? 1, place.column ?? 1);
}
