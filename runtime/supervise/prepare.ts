// From a bundle to a generation that is ready to take over: loaded, checked, set up, bound. On failure nothing is left.

import type { Bundle } from "../bundle/bundle.ts";
import type { SerializedError, WorkerExit } from "../deliver/outcome.ts";
import type { HandlerFile } from "../discover/handler-file.ts";
import type { RuntimeError } from "../errors.ts";
import type { ResolvedMetadata } from "../metadata/handler-metadata.ts";
import { type CandidateOptions, loadCandidate } from "./candidate.ts";
import { Generation } from "./generation.ts";
import type { HandlerStats } from "./handler-stats.ts";
import { type Profile, profileOf } from "./profile.ts";
import { Route } from "./route.ts";
import type { SlotServices } from "./slot-services.ts";

const UNHURRIED_MS = 24 * 3_600_000;

/** What a generation tells the slot it belongs to. */
export interface GenerationOwner {
  /** There are messages and no worker. */
  wake(): void;
  lost(generation: Generation, exit: WorkerExit, pid: number): void;
  teardownFailed(error: SerializedError): void;
  bindingLost(error: RuntimeError): void;
}

export interface PrepareOptions {
  readonly services: SlotServices;
  readonly file: HandlerFile;
  readonly bundle: Bundle;
  /** The version that serves, whose route is kept when it fits. */
  readonly current: Generation | undefined;
  readonly stats: HandlerStats;
  readonly owner: GenerationOwner;
  /** False: the version is not to serve. */
  readonly mayServe: (metadata: ResolvedMetadata) => boolean;
  readonly signal: AbortSignal;
}

/** Rejects with a RuntimeError, or Superseded. Undefined when `mayServe` says no. */
export async function prepareGeneration(options: PrepareOptions): Promise<Generation | undefined> {
  const { services, bundle, current } = options;
  const { bundler } = services;
  const candidate = candidateOptions(options);
  // A debugger finds every version on the same port, so the one that serves lets go of it first.
  const port = candidate.inspectPort;
  if (port !== undefined) current?.setInspector(undefined);
  const { worker, metadata } = await loadCandidate(candidate).catch((error: unknown) => {
    if (port !== undefined) current?.setInspector(port);
    throw error;
  });
  try {
    if (!options.mayServe(metadata)) {
      worker.terminate();
      await bundler.retire(bundle);
      return undefined;
    }
    const generation = await createGeneration(metadata, options);
    await generation.enlist(worker, candidate);
    if (generation.route !== current?.route) await generation.route.bind();
    return generation;
  } catch (error) {
    worker.terminate();
    services.claims.keep(options.file.name, claimedBy(current));
    throw error;
  }
}

/** The subject a version answers alone. */
export function claimedBy(generation: Generation | undefined): string | undefined {
  return generation?.metadata.kind === "request" ? generation.metadata.subject : undefined;
}

/**
 * A version whose metadata is known, bound without a worker: the first message wakes it. Rejects with a RuntimeError.
 * Undefined when `mayServe` says no.
 */
export async function bindIdleGeneration(
  metadata: ResolvedMetadata,
  options: PrepareOptions,
): Promise<Generation | undefined> {
  const { services, file, bundle, current } = options;
  if (!options.mayServe(metadata)) {
    await services.bundler.retire(bundle);
    return undefined;
  }
  try {
    const generation = await createGeneration(metadata, options);
    if (generation.route !== current?.route) await generation.route.bind();
    return generation;
  } catch (error) {
    services.claims.keep(file.name, claimedBy(current));
    throw error;
  }
}

async function createGeneration(metadata: ResolvedMetadata, options: PrepareOptions): Promise<Generation> {
  const { services, file, bundle, current, owner } = options;
  const { claims, bundler, clock, killGraceMs } = services;
  if (metadata.kind === "request") claims.claim(file.name, metadata.subject, file.displayPath);
  const route = current?.route.serves(metadata) === true ? current.route : await openRoute(metadata, options);
  const generation: Generation = new Generation({
    bundle,
    metadata,
    route,
    bundler,
    clock,
    teardownMs: Math.max(killGraceMs, 1),
    onLost: (exit, pid) => owner.lost(generation, exit, pid),
    onTeardownFailed: (error) => owner.teardownFailed(error),
  });
  return generation;
}

export function candidateOptions(options: Omit<PrepareOptions, "stats" | "owner" | "mayServe">): CandidateOptions {
  const { services, file, bundle, current, signal } = options;
  const { emit, call } = services;
  const handler = file.name;
  const { version } = bundle;
  return {
    file,
    bundle,
    known: profileKnown(current?.metadata ?? services.known(handler)),
    rootDir: services.rootDir,
    defaults: services.defaults,
    // Whoever steps through a handler is not to be hurried.
    startTimeoutMs: services.inspectPort(handler) === undefined ? services.startTimeoutMs : UNHURRIED_MS,
    environment: services.environment,
    inspectPort: services.inspectPort(handler),
    pool: services.pool,
    clock: services.clock,
    listener: {
      call,
      output: (stream, line) => emit({ type: "handler.output", handler, version, stream, line }),
      log: ({ level, message, fields, id, attempt, traceId }) =>
        emit({ type: "handler.log", handler, version, level, message, fields, messageId: id, attempt, traceId }),
    },
    signal,
  };
}

function profileKnown(metadata: ResolvedMetadata | undefined): Profile | undefined {
  return metadata === undefined ? undefined : profileOf(metadata);
}

async function openRoute(metadata: ResolvedMetadata, { services, file, stats, owner }: PrepareOptions): Promise<Route> {
  return new Route({
    handler: file.name,
    file: file.displayPath,
    rootDir: services.rootDir,
    metadata,
    deadlines: services.inspectPort(file.name) === undefined,
    killGraceMs: services.killGraceMs,
    maxHops: services.maxHops,
    plan: await services.binder.plan(file.name, metadata),
    stats,
    spans: services.spans,
    clock: services.clock,
    emit: services.emit,
    onWake: () => owner.wake(),
    onLost: (error) => owner.bindingLost(error),
  });
}
