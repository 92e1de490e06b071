// One version of a handler, run in workers as in production over messages that are given to it in lots. What it publishes,
// requests and answers is written down and goes nowhere.
//
// S1  There is one worker at a time, with the concurrency, order, timeout and memory that the metadata says. One that dies is
//     replaced, and its messages are run on as the dispatcher does it: the culprit alone is charged.
// S2  Every message is the first attempt at it.
// S3  A function that takes batches gets each message as a batch of its own: what it does then depends on no other.

import type { Bundle } from "../bundle/bundle.ts";
import type { Bundler } from "../bundle/bundler.ts";
import type { Clock } from "../clock.ts";
import { Dispatcher } from "../deliver/dispatcher.ts";
import { Suspicions } from "../deliver/suspicions.ts";
import type { HandlerFile } from "../discover/handler-file.ts";
import type { HandlerWorker, WorkerSource } from "../isolate/worker-source.ts";
import type { Delivery } from "../message/delivery.ts";
import type { Outcome } from "../message/outcome.ts";
import type { CarryStoreCall } from "../message/store-call.ts";
import { whyNotDeferred } from "../metadata/deferral.ts";
import type { HandlerDefaults, ResolvedMetadata } from "../metadata/handler-metadata.ts";
import { type CandidateOptions, loadCandidate, setUpCandidate } from "../supervise/candidate.ts";
import { launchNeedsOf } from "../supervise/launch-needs.ts";
import { Recorder } from "./recorder.ts";
import type { Seen } from "./seen.ts";

/** Where a version comes from, and what it is run with. */
export interface VersionSource {
  readonly app: string;
  readonly file: HandlerFile;
  readonly bundler: Pick<Bundler, "build">;
  readonly pool: WorkerSource;
  /** Found out when it was built. */
  readonly known: ResolvedMetadata | undefined;
  readonly rootDir: string;
  readonly defaults: HandlerDefaults;
  readonly startTimeoutMs: number;
  readonly killGraceMs: number;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** For what it reads from buckets. */
  readonly store: CarryStoreCall;
  readonly clock: Clock;
}

/** Before its first message: it has been loaded, and waits. */
export interface LoadedVersion {
  readonly metadata: ResolvedMetadata;
  readonly version: string;
  /**
   * Set it up. `idPrefix`: of the stream that its messages come from. `checksOnly`: payloads are decoded and checked, and none of
   * the author's functions is called. Rejects with a RuntimeError.
   */
  start(idPrefix: string, checksOnly?: boolean): Promise<VersionRun>;
  end(): Promise<void>;
}

const NEVER = new AbortController().signal;
const TEARDOWN_MS = 5_000;

/** Rejects with a RuntimeError that says where. */
export async function loadVersion(source: VersionSource): Promise<LoadedVersion> {
  const built = await source.bundler.build(source.file);
  if (!built.ok) throw built.error;
  const { bundle } = built;
  const listener = new LateListener();
  const { worker, metadata } = await loadCandidate(candidateOf(source, bundle, source.known, listener));
  return {
    metadata,
    version: bundle.version,
    async start(idPrefix, checksOnly = false) {
      const run = new VersionRun({ source, bundle, metadata, idPrefix, checksOnly });
      listener.recorder = run.recorder;
      await run.enlist(worker);
      return run;
    },
    end: async () => void (await worker.stop(TEARDOWN_MS, source.clock)),
  };
}

interface RunOptions {
  readonly source: VersionSource;
  readonly bundle: Bundle;
  readonly metadata: ResolvedMetadata;
  readonly idPrefix: string;
  readonly checksOnly: boolean;
}

export class VersionRun {
  readonly recorder: Recorder;
  private readonly options: RunOptions;
  private readonly dispatcher: Dispatcher;
  private worker: HandlerWorker | undefined;
  private seen = new Map<Delivery, Seen>();
  private broken = Promise.withResolvers<never>();

  constructor(options: RunOptions) {
    const { source, metadata, idPrefix } = options;
    this.options = options;
    this.recorder = new Recorder(source.file.name, idPrefix, source.store);
    this.broken.promise.catch(() => undefined); // Told by the lot that meets it.
    const { recorder } = this;
    const owner = {
      settled: (delivery: Delivery, outcome: Outcome, tookMs: number) =>
        void this.seen.set(delivery, recorder.end(delivery, outcome, tookMs)),
      chunk: (delivery: Delivery, data: Uint8Array) => recorder.chunk(delivery, data),
      halved: () => undefined,
      wake: () => void this.replace().catch((error: unknown) => this.broken.reject(error)),
      roomChanged: () => undefined,
    };
    const suspicions = new Suspicions([idPrefix], new Map());
    this.dispatcher = new Dispatcher(limitsOf(metadata, source.killGraceMs), owner, suspicions, source.clock);
  }

  /** Run these, and say what each of them did, in their order. Rejects when no worker comes up any more. */
  async run(lot: readonly Delivery[]): Promise<Seen[]> {
    this.seen = new Map();
    for (const delivery of lot) {
      this.recorder.begin(delivery);
      this.dispatcher.accept(delivery);
    }
    await Promise.race([this.dispatcher.finished(), this.broken.promise]);
    return lot.map((delivery) => this.seen.get(delivery)!);
  }

  /** Run `setup`, and give it what waits. */
  async enlist(worker: HandlerWorker): Promise<void> {
    const { kind, subjects, store, envelope, propagate, uses, concurrency, batch, retry, timeoutMs, outputs } =
      this.options.metadata;
    const attempts = kind === "durable" ? retry.attempts : 1;
    const limits = { concurrency, batches: batch !== undefined, attempts, timeoutMs, outputs };
    const { idPrefix, checksOnly, source } = this.options;
    // Keys that are given to others are those of the app: what has been done with one is not done again for a shadow.
    const about = { app: source.app, kind, subjects, store, envelope, propagate, uses, idPrefixes: [idPrefix] };
    const cannotDefer = whyNotDeferred(this.options.metadata);
    const request = { ...about, ...limits, cannotDefer, shadow: true, checksOnly };
    const lane = this.dispatcher.lane(worker);
    await setUpCandidate(worker, () => worker.start(request, lane), this.candidate());
    this.worker = worker;
    this.dispatcher.ready(lane);
  }

  /** Its `teardown` is run. Never rejects. */
  async end(): Promise<void> {
    await this.worker?.stop(TEARDOWN_MS, this.options.source.clock);
  }

  /** S1. */
  private async replace(): Promise<void> {
    const { worker } = await loadCandidate(this.candidate());
    await this.enlist(worker);
  }

  private candidate(): CandidateOptions {
    const { source, bundle, metadata } = this.options;
    const listener = new LateListener();
    listener.recorder = this.recorder;
    return candidateOf(source, bundle, metadata, listener);
  }
}

/** Hears a worker before it is known what is written down, and by whom. */
class LateListener {
  recorder: Recorder | undefined;

  readonly call: CandidateOptions["listener"]["call"] = (call) =>
    this.recorder?.call(call) ?? { ok: false, code: 503, message: "withheld, as this is a shadow run" };
  readonly store: CandidateOptions["listener"]["store"] = async (call) =>
    (await this.recorder?.store(call)) ?? { ok: false, code: 503, message: "withheld, as this is a shadow run" };
  readonly log: CandidateOptions["listener"]["log"] = (record) => this.recorder?.log(record);
  /** What it prints would be there thrice, and is no part of what is compared. */
  output(): void {}
  outputDropped(): void {}
}

function candidateOf(
  source: VersionSource,
  bundle: Bundle,
  metadata: ResolvedMetadata | undefined,
  listener: CandidateOptions["listener"],
): CandidateOptions {
  const { file, pool, rootDir, defaults, startTimeoutMs, environment, clock } = source;
  const known = metadata === undefined ? undefined : launchNeedsOf(metadata);
  const about = { file, bundle, known, rootDir, sourcesDir: rootDir, defaults, startTimeoutMs, environment };
  return { ...about, inspectPort: undefined, pool, clock, listener, signal: NEVER };
}

function limitsOf({ concurrency, batch, timeoutMs, ordered }: ResolvedMetadata, killGraceMs: number) {
  const limits = { concurrency, timeoutMs, killGraceMs };
  return {
    ...limits,
    batch: batch && { ...limits, size: 1, waitMs: 0 }, // S3
    ordered: ordered || concurrency === 1,
    // A lot is as large as whoever reads the messages makes it.
    maxQueued: Number.POSITIVE_INFINITY,
    maxQueuedBytes: Number.POSITIVE_INFINITY,
    prefetch: false,
  };
}
