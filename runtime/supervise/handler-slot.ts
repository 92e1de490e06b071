// The supervisor's place for one handler: brings versions up beside the one that serves, swaps them, restarts what
// died, and takes everything down in the end.
//
// S1  Steps that change the slot run one after another; a newer save cuts a candidate short, never the current version.
// S2  A version that does not come up changes nothing but `lastFailure` and the log.
// S3  The new version takes deliveries before the old one stops taking them; the old one finishes what it has in hand.
// S4  When kind or subject change: bind new, then unbind old, then let old finish. In between both take messages.
// S5  Once closed, the slot starts nothing.

import type { Binder } from "../bind/binder.ts";
import type { Bundle } from "../bundle/bundle.ts";
import type { Bundler } from "../bundle/bundler.ts";
import type { Clock, Timer } from "../clock.ts";
import { within } from "../clock.ts";
import type { CallAnswer, HandlerCall } from "../deliver/handler-call.ts";
import type { WorkerExit } from "../deliver/outcome.ts";
import type { HandlerFile } from "../discover/handler-file.ts";
import { RuntimeError, toRuntimeError } from "../errors.ts";
import type { Emit } from "../events.ts";
import { explainExit } from "../isolate/exit.ts";
import type { WorkerPool } from "../isolate/pool.ts";
import type { WorkerListener } from "../isolate/worker-process.ts";
import type { HandlerDefaults, ResolvedMetadata } from "../metadata/handler-metadata.ts";
import { type CandidateOptions, loadCandidate, Superseded, setUpCandidate } from "./candidate.ts";
import type { Generation } from "./generation.ts";
import { type StateEvent, type StateKind, transition } from "./handler-state.ts";
import { HandlerStats } from "./handler-stats.ts";
import type { HandlerStatus } from "./handler-status.ts";
import { profileOf } from "./profile.ts";
import { addFailure, type FailureHistory, NO_FAILURES, restartDelayMs } from "./restart-policy.ts";
import { Route } from "./route.ts";
import type { SubjectClaims } from "./subject-claims.ts";

/** What a slot is given by the supervisor; the same for all slots. */
export interface SlotServices {
  readonly rootDir: string;
  readonly defaults: HandlerDefaults;
  readonly startTimeoutMs: number;
  readonly killGraceMs: number;
  readonly maxHops: number;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly bundler: Bundler;
  readonly pool: WorkerPool;
  readonly binder: Binder;
  readonly claims: SubjectClaims;
  readonly call: (call: HandlerCall) => Promise<CallAnswer>;
  /** Bounds how many candidates come up at the same time. */
  readonly gate: <T>(step: () => Promise<T>) => Promise<T>;
  readonly inspectPort: (handler: string) => number | undefined;
  readonly clock: Clock;
  readonly emit: Emit;
}

type Why = "start" | "reload" | "restart";

export class HandlerSlot {
  readonly name: string;
  readonly stats = new HandlerStats();
  /** Files whose change may change this handler. */
  inputs: readonly string[];
  private readonly services: SlotServices;
  private file: HandlerFile;
  private state: StateKind = "starting";
  private current: Generation | undefined;
  private lastFailure: RuntimeError | undefined;
  private failures: FailureHistory = NO_FAILURES;
  private retry: Timer | undefined;
  private superseding = new AbortController();
  private turn: Promise<void> = Promise.resolve();
  private queuedReload: Promise<void> | undefined;
  private readonly retiring = new Set<Promise<void>>();
  private readonly retiringGenerations = new Set<Generation>();

  constructor(file: HandlerFile, services: SlotServices) {
    this.name = file.name;
    this.file = file;
    this.inputs = [file.path];
    this.services = services;
  }

  get status(): HandlerStatus {
    const { current, lastFailure, stats } = this;
    return {
      name: this.name,
      file: this.file.displayPath,
      state: this.state,
      kind: current?.metadata.kind,
      subject: current?.metadata.subject,
      version: current?.bundle.version,
      inFlight: current?.route.dispatcher.inFlight ?? 0,
      queued: current?.route.dispatcher.queued ?? 0,
      handled: stats.handled,
      failed: stats.failed,
      p50Ms: stats.percentileMs(0.5),
      p99Ms: stats.percentileMs(0.99),
      reloads: stats.reloads,
      restarts: stats.restarts,
      pid: current?.worker.pid,
      lastFailure,
    };
  }

  /** Bring up the file as it is now. Resolves when it serves or has failed; never rejects. */
  reload(file: HandlerFile, noticedAtMs: number): Promise<void> {
    this.file = file;
    this.superseding.abort();
    if (this.queuedReload !== undefined) return this.queuedReload;
    this.queuedReload = this.inTurn(() => {
      this.queuedReload = undefined;
      return this.bringUp(this.current === undefined ? "start" : "reload", noticedAtMs);
    });
    return this.queuedReload;
  }

  /** Resolves when no step is running or waiting. Never rejects. */
  settled(): Promise<void> {
    return this.turn;
  }

  /**
   * Take no more messages, finish those in hand within `graceMs` milliseconds, end the workers. What waits is handed
   * out until the grace is over, then given back. Resolves with the subjects that did not end. Never rejects.
   */
  close(graceMs: number): Promise<string[]> {
    this.superseding.abort();
    this.retry?.cancel();
    this.move("closed");
    let unfinished: string[] = [];
    return this.inTurn(async () => {
      this.services.claims.forget(this.name);
      if (this.current !== undefined) {
        const { current } = this;
        this.current = undefined;
        this.retire(current, true, graceMs, (left) => {
          unfinished = left;
        });
      }
      await Promise.all(this.retiring);
    }).then(() => unfinished);
  }

  /** S1. A step that rejects is a fault of ours: it is told, and the next step runs. */
  private inTurn(step: () => Promise<void>): Promise<void> {
    const next = this.turn.then(step).catch((error: unknown) => {
      this.services.emit({
        type: "handler.failed",
        handler: this.name,
        error: toRuntimeError(error, `handler "${this.name}"`),
        serving: this.current?.bundle.version,
      });
    });
    this.turn = next;
    return next;
  }

  private async bringUp(why: Why, sinceMs: number): Promise<void> {
    if (this.state === "stopped") return;
    this.retry?.cancel();
    this.superseding = new AbortController();
    const { signal } = this.superseding;
    try {
      await this.bringUpNow(why, sinceMs, signal);
    } catch (error) {
      if (error instanceof Superseded || signal.aborted) return;
      this.fail(toRuntimeError(error, `handler "${this.name}" could not be brought up`));
    }
  }

  private async bringUpNow(why: Why, sinceMs: number, signal: AbortSignal): Promise<void> {
    const built = await this.services.bundler.build(this.file);
    this.inputs = built.ok ? built.bundle.inputs : built.inputs;
    if (!built.ok) {
      if (signal.aborted) throw new Superseded();
      throw built.error;
    }
    const { bundle } = built;
    if (signal.aborted || this.isServing(bundle)) {
      await this.services.bundler.retire(bundle);
      if (!signal.aborted && this.lastFailure !== undefined) this.tellServing(why, sinceMs);
      return;
    }
    let generation: Generation;
    try {
      generation = await this.services.gate(() => this.load(bundle, signal));
    } catch (error) {
      await this.services.bundler.retire(bundle);
      throw error;
    }
    this.adopt(generation);
    this.tellServing(why, sinceMs);
  }

  private isServing(bundle: Bundle): boolean {
    return this.state === "serving" && this.current?.bundle.version === bundle.version;
  }

  /** Load, bind if needed, set up. On failure nothing is left of the candidate. */
  private async load(bundle: Bundle, signal: AbortSignal): Promise<Generation> {
    const { services } = this;
    const options = this.candidateOptions(bundle, signal);
    const { worker, metadata } = await loadCandidate(options);
    try {
      if (metadata.kind === "request") services.claims.claim(this.name, metadata.subject, this.file.displayPath);
      const bound = this.current?.route;
      const reuse = bound?.serves(metadata) === true;
      const route = reuse ? bound : await this.openRoute(metadata);
      const lane = route.dispatcher.lane(worker);
      const { kind, subject, concurrency, retry, timeoutMs } = metadata;
      const attempts = kind === "durable" ? retry.attempts : 1;
      const request = { kind, subject, concurrency, attempts, timeoutMs, idPrefix: route.idPrefix };
      await setUpCandidate(worker, () => worker.start(request, lane), options);
      if (!reuse) await route.bind();
      return { bundle, metadata, worker, lane, route };
    } catch (error) {
      worker.terminate();
      throw error;
    }
  }

  private async openRoute(metadata: ResolvedMetadata): Promise<Route> {
    const { services } = this;
    return new Route({
      handler: this.name,
      file: this.file.displayPath,
      rootDir: services.rootDir,
      metadata,
      killGraceMs: services.killGraceMs,
      maxHops: services.maxHops,
      plan: await services.binder.plan(this.name, metadata),
      stats: this.stats,
      clock: services.clock,
      emit: services.emit,
      onWake: () => undefined, // A slot without a worker is on its way to get one.
      onLost: (error) => services.emit({ type: "nats.error", error }),
    });
  }

  private candidateOptions(bundle: Bundle, signal: AbortSignal): CandidateOptions {
    const { rootDir, defaults, startTimeoutMs, environment, pool, clock } = this.services;
    return {
      file: this.file,
      bundle,
      known: this.current === undefined ? undefined : profileOf(this.current.metadata),
      rootDir,
      defaults,
      startTimeoutMs,
      environment,
      inspectPort: this.services.inspectPort(this.name),
      pool,
      clock,
      listener: this.listener(bundle.version),
      signal,
    };
  }

  /** S3, S4. */
  private adopt(generation: Generation): void {
    const old = this.current;
    this.current = generation;
    this.lastFailure = undefined;
    if (generation.metadata.kind !== "request") this.services.claims.release(this.name);
    generation.route.adopt(generation.metadata);
    generation.route.dispatcher.ready(generation.lane);
    this.move("brought-up");
    generation.worker.exited.then((exit) => this.onExit(generation, exit));
    if (old !== undefined) this.retire(old, old.route !== generation.route, undefined);
  }

  /** Let a generation finish what it has in hand, then end it. With `unbind` its route goes too. */
  private retire(
    generation: Generation,
    unbind: boolean,
    graceMs: number | undefined,
    onUnfinished: (subjects: string[]) => void = () => undefined,
  ): void {
    this.retiringGenerations.add(generation);
    const done = this.finish(generation, unbind, graceMs, onUnfinished).finally(() => {
      this.retiring.delete(done);
      this.retiringGenerations.delete(generation);
    });
    this.retiring.add(done);
  }

  private async finish(
    generation: Generation,
    unbind: boolean,
    graceMs: number | undefined,
    onUnfinished: (subjects: string[]) => void,
  ): Promise<void> {
    const { route, lane, worker, bundle } = generation;
    const { clock, bundler, emit, killGraceMs } = this.services;
    if (unbind) {
      await route.unbind();
      // Without its worker nothing that waits can be finished.
      worker.exited.then(() => route.giveBackQueued(graceMs === undefined ? "reload" : "shutdown"));
      const all = route.dispatcher.finished();
      if (graceMs !== undefined && (await within(clock, graceMs, all)) === "expired") {
        onUnfinished(route.dispatcher.describeInFlight());
        worker.terminate();
      }
      await all;
    }
    await route.dispatcher.retire(lane);
    const { exit, teardownError, killed } = await worker.stop(Math.max(killGraceMs, 1), clock);
    if (teardownError !== undefined) this.tellTeardown(teardownError.message, teardownError.stack);
    else if (killed && exit.signal === "SIGKILL" && graceMs === undefined)
      this.tellTeardown("did not end in time; the worker was killed", "");
    await bundler.retire(bundle);
    emit({ type: "generation.retired", handler: this.name, version: bundle.version, drained: !killed });
  }

  /** The worker ended. That of a version on its way out is expected; that of the current one is not. */
  private onExit(generation: Generation, exit: WorkerExit): void {
    if (this.current !== generation || this.state === "stopped") return;
    const { clock, emit } = this.services;
    this.failures = addFailure(this.failures, clock.monotonicMs());
    const waitMs = restartDelayMs(this.failures);
    this.stats.restarts++;
    this.move(waitMs === 0 ? "worker-lost" : "crash-loop");
    emit({
      type: "worker.exited",
      handler: this.name,
      pid: generation.worker.pid,
      version: generation.bundle.version,
      expected: false,
      error: new RuntimeError(
        exit.outOfMemory ? "WORKER_OUT_OF_MEMORY" : "WORKER_CRASHED",
        `the worker of handler "${this.name}" ${explainExit(exit)}`,
        {
          handler: this.name,
          place: { file: this.file.displayPath },
          stack: exit.lastOutput.join("\n"),
        },
      ),
      inFlight: generation.route.dispatcher.queued,
      restartInMs: waitMs,
    });
    this.restartAfter(waitMs, "restarting");
  }

  private restartAfter(waitMs: number, wanted: "restarting" | "backing-off"): void {
    const { clock } = this.services;
    const restart = () => {
      if (this.state === "backing-off") this.move("due");
      void this.inTurn(() => this.restart(clock.monotonicMs()));
    };
    this.retry?.cancel();
    if (waitMs === 0 && wanted === "restarting") return restart();
    this.retry = clock.after(waitMs, restart);
  }

  /** Bring the version that was current up again, or the file anew when there was none. */
  private async restart(sinceMs: number): Promise<void> {
    if (this.state !== "restarting") return;
    const lost = this.current;
    if (lost === undefined) return this.bringUp("start", sinceMs);
    this.superseding = new AbortController();
    const { signal } = this.superseding;
    try {
      const generation = await this.services.gate(() => this.load(lost.bundle, signal));
      this.current = undefined; // Its worker is gone and its bundle lives on: there is nothing to retire.
      this.adopt(generation);
      this.tellServing("restart", sinceMs);
    } catch (error) {
      if (!(error instanceof Superseded))
        this.fail(toRuntimeError(error, `handler "${this.name}" could not be restarted`));
    }
  }

  /** S2. */
  private fail(error: RuntimeError): void {
    if (this.state === "stopped") return;
    const serving = this.state === "serving" ? this.current?.bundle.version : undefined;
    this.lastFailure = error;
    this.services.emit({ type: "handler.failed", handler: this.name, error, serving });
    const mayComeUp =
      error.code === "HANDLER_LOAD_FAILED" ||
      error.code === "HANDLER_SETUP_FAILED" ||
      error.code === "HANDLER_LOAD_TIMED_OUT" ||
      error.code === "WORKER_CRASHED";
    this.move(mayComeUp ? "load-failed" : "refused");
    if (this.state !== "backing-off") return;
    this.failures = addFailure(this.failures, this.services.clock.monotonicMs());
    this.restartAfter(Math.max(restartDelayMs(this.failures), 1_000), "backing-off");
  }

  private move(event: StateEvent): void {
    const from = this.state;
    this.state = transition(from, event);
    if (from !== this.state) this.services.emit({ type: "handler.state", handler: this.name, from, to: this.state });
  }

  private tellServing(why: Why, sinceMs: number): void {
    const { current } = this;
    if (current === undefined) return;
    this.lastFailure = undefined;
    if (why === "reload") this.stats.reloads++;
    this.services.emit({
      type: "handler.serving",
      handler: this.name,
      kind: current.metadata.kind,
      subject: current.metadata.subject,
      version: current.bundle.version,
      why,
      durationMs: this.services.clock.monotonicMs() - sinceMs,
    });
  }

  private tellTeardown(message: string, stack: string): void {
    const error = new RuntimeError("HANDLER_THREW", `the \`teardown\` of handler "${this.name}" failed: ${message}`, {
      handler: this.name,
      place: { file: this.file.displayPath },
      ...(stack === "" ? {} : { stack }),
    });
    this.services.emit({ type: "handler.failed", handler: this.name, error, serving: this.current?.bundle.version });
  }

  private listener(version: string): WorkerListener {
    const { emit, call } = this.services;
    const handler = this.name;
    return {
      call,
      output: (stream, line) => emit({ type: "handler.output", handler, version, stream, line }),
      log: ({ level, message, fields, id, attempt }) =>
        emit({ type: "handler.log", handler, version, level, message, fields, messageId: id, attempt }),
    };
  }
}
