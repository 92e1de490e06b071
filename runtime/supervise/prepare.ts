// From a bundle to a generation that is ready to take over: loaded, checked, set up, bound. On failure nothing is left.

import type { Bundle } from "../bundle/bundle.ts";
import { Route } from "../deliver/route.ts";
import type { HandlerFile } from "../discover/handler-file.ts";
import type { RuntimeError } from "../errors.ts";
import type { SerializedError } from "../message/outcome.ts";
import { claims } from "../metadata/claims.ts";
import type { ResolvedMetadata } from "../metadata/handler-metadata.ts";
import { type CandidateOptions, loadCandidate } from "./candidate.ts";
import { Generation, type LostWorker } from "./generation.ts";
import { type LaunchNeeds, launchNeedsOf } from "./launch-needs.ts";
import type { SlotDeps } from "./slot-deps.ts";
import type { SlotMemory } from "./slot-memory.ts";
import { unlessSuperseded } from "./superseded.ts";

const UNHURRIED_MS = 24 * 3_600_000;

/** What a generation tells the slot it belongs to. */
export interface GenerationOwner {
  /** There are messages and no worker. */
  wake(): void;
  lost(generation: Generation, lost: LostWorker): void;
  teardownFailed(error: SerializedError): void;
  /** The version that serves is to end before the next one is set up. Resolves when it has. Never rejects. */
  stepAside(generation: Generation): Promise<void>;
  bindingFailed(error: RuntimeError): void;
  /** What it takes is elsewhere now. */
  bindingMoved(): void;
}

export interface PrepareOptions {
  readonly deps: SlotDeps;
  readonly file: HandlerFile;
  readonly bundle: Bundle;
  /** The version that serves, whose route is kept when it fits. */
  readonly current: Generation | undefined;
  readonly memory: SlotMemory;
  readonly owner: GenerationOwner;
  /** The version has said what it is. */
  readonly onMetadata: (metadata: ResolvedMetadata) => void;
  /** Asked after that: whether it is to serve. */
  readonly isWanted: () => boolean;
  readonly signal: AbortSignal;
}

/** Rejects with a RuntimeError, or Superseded. Undefined when it is not wanted. */
export async function prepareGeneration(options: PrepareOptions): Promise<Generation | undefined> {
  const { deps, bundle, current } = options;
  const { bundler } = deps;
  const candidate = servingCandidate(options);
  // A debugger finds every version on the same port, so the one that serves lets go of it first.
  const port = candidate.inspectPort;
  if (port !== undefined) current?.setDebugger(undefined);
  const { worker, metadata } = await loadCandidate(candidate).catch((error: unknown) => {
    if (port !== undefined) current?.setDebugger(port);
    throw error;
  });
  try {
    options.onMetadata(metadata);
    if (!options.isWanted()) {
      worker.terminate();
      await bundler.retire(bundle);
      return undefined;
    }
    const generation = await createGeneration(metadata, options);
    if (current !== undefined && (metadata.exclusive || current.metadata.exclusive)) {
      await unlessSuperseded(options.signal, options.owner.stepAside(current));
    }
    await generation.enlist(worker, candidate);
    claim(metadata, options); // Who had given its subject up may be back meanwhile.
    if (generation.route !== current?.route) await generation.route.bind();
    return generation;
  } catch (error) {
    worker.terminate();
    deps.claims.keep(options.file.name, claimedBy(current));
    throw error;
  }
}

/** The subjects a version answers alone. */
export function claimedBy(generation: Generation | undefined): readonly string[] {
  return generation?.metadata.kind === "request" ? claims(generation.metadata) : [];
}

/**
 * A version whose metadata is known, bound without a worker: the first message wakes it. Rejects with a RuntimeError.
 * Undefined when it is not wanted.
 */
export async function bindIdleGeneration(
  metadata: ResolvedMetadata,
  options: PrepareOptions,
): Promise<Generation | undefined> {
  const { deps, file, bundle, current } = options;
  options.onMetadata(metadata);
  if (!options.isWanted()) {
    await deps.bundler.retire(bundle);
    return undefined;
  }
  try {
    const generation = await createGeneration(metadata, options);
    if (generation.route !== current?.route) await generation.route.bind();
    return generation;
  } catch (error) {
    deps.claims.keep(file.name, claimedBy(current));
    throw error;
  }
}

function claim(metadata: ResolvedMetadata, { deps, file }: PrepareOptions): void {
  if (metadata.kind === "request") deps.claims.claim(file.name, claims(metadata), file.displayPath);
}

async function createGeneration(metadata: ResolvedMetadata, options: PrepareOptions): Promise<Generation> {
  const { deps, bundle, current, owner } = options;
  const { app, bundler, clock, killGraceMs } = deps;
  claim(metadata, options);
  const route = current?.route.serves(metadata) === true ? current.route : await openRoute(metadata, options);
  const generation: Generation = new Generation({
    app,
    bundle,
    metadata,
    route,
    bundler,
    clock,
    teardownMs: Math.max(killGraceMs, 1),
    onLost: (lost) => owner.lost(generation, lost),
    onTeardownFailed: (error) => owner.teardownFailed(error),
  });
  return generation;
}

/** What a worker of a version is brought up from. */
export type CandidateSource = Pick<PrepareOptions, "deps" | "file" | "bundle" | "current" | "signal">;

export function candidateOptions({ deps, file, bundle, current, signal }: CandidateSource): CandidateOptions {
  const { emit, writes } = deps;
  const handler = file.name;
  const { version } = bundle;
  return {
    file,
    bundle,
    known: knownNeeds(current?.metadata ?? deps.known(handler)),
    rootDir: deps.rootDir,
    sourcesDir: deps.sourcesDir,
    defaults: deps.defaults,
    // Whoever steps through a handler is not to be hurried.
    startTimeoutMs: deps.inspectPort(handler) === undefined ? deps.startTimeoutMs : UNHURRIED_MS,
    environment: deps.environment,
    inspectPort: deps.inspectPort(handler),
    pool: deps.pool,
    clock: deps.clock,
    listener: {
      call: writes.around(handler, deps.call),
      store: deps.store,
      output: (stream, line) => emit({ type: "handler.output", handler, version, stream, line }),
      outputDropped: (stream, count) => emit({ type: "handler.output-dropped", handler, version, stream, count }),
      log: ({ level, message, fields, id, attempt, traceId }) =>
        emit({ type: "handler.log", handler, version, level, message, fields, messageId: id, attempt, traceId }),
    },
    signal,
  };
}

/** One that is to serve: in its group's process, unless a debugger may hold it, and with it all others there. */
export function servingCandidate(source: CandidateSource): CandidateOptions {
  const candidate = candidateOptions(source);
  return candidate.inspectPort === undefined ? { ...candidate, groups: source.deps.groups } : candidate;
}

function knownNeeds(metadata: ResolvedMetadata | undefined): LaunchNeeds | undefined {
  return metadata === undefined ? undefined : launchNeedsOf(metadata);
}

async function openRoute(metadata: ResolvedMetadata, options: PrepareOptions): Promise<Route> {
  const { deps, file, memory, owner } = options;
  const { stats, suspicions } = memory;
  return new Route({
    handler: file.name,
    file: file.displayPath,
    rootDir: deps.sourcesDir,
    metadata,
    deadlines: deps.inspectPort(file.name) === undefined,
    killGraceMs: deps.killGraceMs,
    maxHops: deps.maxHops,
    neighboursIn: (group) => deps.groups?.neighboursIn(group),
    plan: await deps.binder.plan(file.name, metadata),
    stats,
    suspicions,
    spans: deps.spans,
    tap: deps.tap,
    slowDowns: deps.slowDowns,
    slowStarts: deps.slowStarts,
    fleetRates: deps.fleetRates,
    retrySpread: deps.retrySpread,
    clock: deps.clock,
    emit: deps.emit,
    onWake: () => owner.wake(),
    onFault: (error) => owner.bindingFailed(error),
    onMoved: () => owner.bindingMoved(),
  });
}
