// One version of a handler: its bundle, and the workers that run it.
//
// G1  A worker that is enlisted has run its set-up; it gets deliveries once its lane is open.
// G2  Dismissed workers finish what they have in flight, run their teardown, and end.
// G3  The bundle's files go when the last worker has gone.

import type { Bundle } from "../bundle/bundle.ts";
import type { Bundler } from "../bundle/bundler.ts";
import { type Clock, within } from "../clock.ts";
import type { Canary } from "../deliver/canary.ts";
import type { Route } from "../deliver/route.ts";
import { type Death, NOBODYS_DEATH } from "../deliver/suspicions.ts";
import type { WorkerPlace } from "../deliver/worker-place.ts";
import type { HandlerWorker } from "../isolate/worker-source.ts";
import { NOT_ITS_FAULT, type SerializedError, type WorkerExit } from "../message/outcome.ts";
import { whyNotDeferred } from "../metadata/deferral.ts";
import type { ResolvedMetadata } from "../metadata/handler-metadata.ts";
import { type CandidateOptions, loadCandidate, setUpCandidate } from "./candidate.ts";

export interface GenerationOptions {
  readonly app: string;
  readonly bundle: Bundle;
  readonly metadata: ResolvedMetadata;
  readonly route: Route;
  readonly bundler: Bundler;
  readonly clock: Clock;
  /** Time for `teardown` once nothing is in flight. */
  readonly teardownMs: number;
  /** A worker of this generation ended unasked. */
  readonly onLost: (lost: LostWorker) => void;
  readonly onTeardownFailed: (error: SerializedError) => void;
}

/** A worker that ended unasked. */
export interface LostWorker {
  readonly pid: number;
  readonly exit: WorkerExit;
  readonly death: Death;
}

export class Generation {
  readonly bundle: Bundle;
  readonly metadata: ResolvedMetadata;
  readonly route: Route;
  private readonly options: GenerationOptions;
  private readonly crew = new Map<HandlerWorker, WorkerPlace>();
  private killed = false;

  constructor(options: GenerationOptions) {
    this.options = options;
    this.bundle = options.bundle;
    this.metadata = options.metadata;
    this.route = options.route;
  }

  get pids(): number[] {
    return [...this.crew.keys()].map(({ pid }) => pid);
  }

  /** Run the set-up of a loaded worker. Rejects with a RuntimeError; the worker is gone then. */
  async enlist(worker: HandlerWorker, candidate: CandidateOptions): Promise<void> {
    const { metadata, route } = this;
    const { kind, subjects, store, envelope, propagate, uses, concurrency, batch, retry, timeoutMs, outputs } =
      metadata;
    const attempts = kind === "durable" ? retry.attempts : 1;
    const limits = { concurrency, batches: batch !== undefined, attempts, timeoutMs, outputs };
    const { app } = this.options;
    const about = { app, kind, subjects, store, envelope, propagate, uses, cannotDefer: whyNotDeferred(metadata) };
    const request = { ...about, ...limits, idPrefixes: route.idPrefixes };
    const lane = route.lane(worker, this.bundle.version, metadata);
    await setUpCandidate(worker, () => worker.start(request, lane), candidate);
    this.crew.set(worker, lane);
    worker.exited.then((exit) => {
      if (this.crew.delete(worker)) this.options.onLost({ pid: worker.pid, exit, death: lane.death ?? NOBODYS_DEATH });
    });
  }

  /** Let go of the inspector's port, or take it (again). */
  setDebugger(port: number | undefined): void {
    for (const worker of this.crew.keys()) worker.setDebugger(port);
  }

  /** From now on the workers get deliveries. */
  open(): void {
    this.route.adopt(this.metadata, this.bundle.version);
    this.route.comeBack(false);
    for (const lane of this.crew.values()) this.route.dispatcher.ready(lane);
  }

  /** From now on its worker has the canary's share of the messages, beside the version that serves. */
  openBeside(canary: Canary): void {
    for (const lane of this.crew.values()) this.route.try(canary, lane, this.metadata);
  }

  /** Bring up one more worker of this version, and open it. Rejects with a RuntimeError. */
  async recruit(candidate: CandidateOptions): Promise<void> {
    const { worker } = await loadCandidate(candidate);
    await this.enlist(worker, candidate);
    const lane = this.crew.get(worker);
    if (lane !== undefined) this.route.dispatcher.ready(lane);
  }

  /** G2. Resolves when all have ended. Never rejects. */
  async dismiss(): Promise<void> {
    await Promise.all([...this.crew].map(([worker, lane]) => this.dismissOne(worker, lane)));
  }

  /** Whether `terminate` has ended a worker. */
  get wasKilled(): boolean {
    return this.killed;
  }

  /** Kill the workers. What they have in flight goes back to the queue. */
  async terminate(): Promise<void> {
    const workers = [...this.crew.keys()];
    this.killed ||= workers.length > 0;
    this.crew.clear();
    for (const worker of workers) worker.terminate(NOT_ITS_FAULT);
    await Promise.all(workers.map((worker) => worker.exited));
  }

  /**
   * Unbind the route, let what it has taken be finished, dismiss the workers. After `graceMs` milliseconds the rest is
   * given back. Resolves with the subjects of what did not end. Never rejects.
   */
  async shutDown(graceMs: number, why: "shutdown" | "reload" | "disabled"): Promise<string[]> {
    const { route, options } = this;
    const endMs = options.clock.monotonicMs() + graceMs;
    await route.unbind(); // Of a server that stands still it waits for an answer.
    // Nobody is there, or will be, to run what waits.
    if (this.crew.size === 0) route.giveBackQueued(why);
    for (const worker of this.crew.keys()) {
      worker.exited.then(() => {
        if (this.crew.size === 0) route.giveBackQueued(why);
      });
    }
    const leftMs = Math.max(0, endMs - options.clock.monotonicMs());
    const ended = await within(options.clock, leftMs, route.dispatcher.finished());
    const unfinished = ended === "expired" ? route.dispatcher.lanes.describeInFlight() : [];
    if (ended === "expired") {
      route.giveBackQueued(why);
      await this.terminate();
      route.giveBackQueued(why);
    }
    await this.dismiss();
    route.dispatcher.liveAmong(undefined);
    return unfinished;
  }

  /** G3. Call once, after the last worker has gone. */
  async discard(): Promise<void> {
    await this.options.bundler.retire(this.bundle);
  }

  private async dismissOne(worker: HandlerWorker, lane: WorkerPlace): Promise<void> {
    await this.route.dispatcher.retire(lane);
    if (!this.crew.delete(worker)) return; // It ended by itself meanwhile.
    const { teardownMs, clock, onTeardownFailed } = this.options;
    const { teardownError, killed } = await worker.stop(teardownMs, clock);
    if (teardownError !== undefined) onTeardownFailed(teardownError);
    else if (killed)
      onTeardownFailed({
        name: "Error",
        message: `it did not end within ${teardownMs} ms, and was not waited for`,
        stack: "",
      });
  }
}
