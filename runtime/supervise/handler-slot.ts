// The supervisor's place for one handler: brings versions up beside the one that serves, swaps them, restarts what
// died, sets aside what keeps dying, and takes everything down in the end.
//
// S1  Steps that change the slot run one after another; a newer save cuts a candidate short, never the current version.
// S2  A version that does not come up changes nothing but `lastFailure` and the log.
// S3  The new version takes deliveries before the old one stops taking them; the old one finishes what it has in hand.
// S4  When kind or subject change: bind new, then unbind old, then let old finish. In between both take messages.
// S5  Once closed, the slot starts nothing.
// S6  A version that only lacks NATS comes up when NATS is back, whether or not an earlier one serves meanwhile.

import type { Bundle } from "../bundle/bundle.ts";
import type { WorkerExit } from "../deliver/outcome.ts";
import type { HandlerFile } from "../discover/handler-file.ts";
import { type RuntimeError, toRuntimeError } from "../errors.ts";
import type { ResolvedMetadata } from "../metadata/handler-metadata.ts";
import { Superseded } from "./candidate.ts";
import { Departures, UNHURRIED_MS } from "./departures.ts";
import type { Generation } from "./generation.ts";
import { type StateEvent, type StateKind, transition } from "./handler-state.ts";
import { HandlerStats } from "./handler-stats.ts";
import { type HandlerStatus, statusOf } from "./handler-status.ts";
import { IdleWatch } from "./idle-watch.ts";
import { type Disabled, disabledByMetadata, type IntentSource, Intents } from "./intent.ts";
import {
  bindIdleGeneration,
  candidateOptions,
  claimedBy,
  type GenerationOwner,
  type PrepareOptions,
  prepareGeneration,
} from "./prepare.ts";
import { Recovery } from "./recovery.ts";
import { RecycleWatch } from "./recycle-watch.ts";
import { mayComeUpLater } from "./restart-policy.ts";
import { exitError, SlotReports, teardownError, type Why } from "./slot-reports.ts";
import type { SlotServices } from "./slot-services.ts";

export class HandlerSlot {
  readonly name: string;
  readonly stats = new HandlerStats();
  /** Files whose change may change this handler. */
  inputs: readonly string[];
  private readonly services: SlotServices;
  private file: HandlerFile;
  private state: StateKind = "starting";
  private current: Generation | undefined;
  /** Of the version that served last: what is known of a handler while it is off. */
  private lastMetadata: ResolvedMetadata | undefined;
  private lastFailure: RuntimeError | undefined;
  private readonly intents = new Intents();
  private readonly recovery: Recovery;
  private readonly recycling: RecycleWatch;
  private readonly idle: IdleWatch;
  private superseding = new AbortController();
  private turn: Promise<void> = Promise.resolve();
  private queuedReload: Promise<void> | undefined;
  /** The queued reload is to make a new generation also of an unchanged version. */
  private forced = false;
  private readonly reports: SlotReports;
  private readonly departures: Departures;
  private readonly owner: GenerationOwner = {
    wake: () => this.wake(),
    lost: (generation, exit, pid) => this.onLost(generation, exit, pid),
    teardownFailed: (error) => this.tellFailed(teardownError(this.name, this.file.displayPath, error)),
    bindingLost: (error) => this.services.emit({ type: "nats.error", error }),
  };

  constructor(file: HandlerFile, services: SlotServices) {
    this.name = file.name;
    this.file = file;
    this.inputs = [file.path];
    this.services = services;
    this.reports = new SlotReports(file.name, services.emit);
    this.departures = new Departures(services.clock, this.reports);
    this.idle = new IdleWatch(services.clock);
    this.recovery = new Recovery(services.clock);
    this.recycling = new RecycleWatch(services.clock, this.stats);
  }

  get status(): HandlerStatus {
    const { name, file, state, current, lastMetadata, lastFailure, stats } = this;
    const disabled = this.intents.disabled;
    return statusOf(
      { name, file, state, current, lastMetadata, lastFailure, stats, disabled },
      this.departures.generations,
    );
  }

  /** Of the version that serves. */
  get description(): string {
    return this.current?.metadata.description ?? "";
  }

  /**
   * Bring up the file as it is now; with `force` also when nothing in it has changed. Resolves when it serves or has
   * failed; never rejects.
   */
  reload(file: HandlerFile, noticedAtMs: number, force = false): Promise<void> {
    this.file = file;
    this.forced ||= force;
    this.superseding.abort();
    this.queuedReload ??= this.inTurn(() => {
      this.queuedReload = undefined;
      const fresh = this.forced;
      this.forced = false;
      return this.bringUp(this.current === undefined ? "start" : "reload", noticedAtMs, fresh);
    });
    return this.queuedReload;
  }

  /**
   * One source says what it wants. The handler goes off when any says "disabled" and comes back when none does.
   * Resolves when that is done; never rejects.
   */
  setIntent(source: IntentSource, disabled: Disabled | undefined): Promise<void> {
    this.intents.say(source, disabled);
    // Off is off: a version on its way up does not hold it back. Metadata speaks from within a version that comes up.
    if (disabled !== undefined && source !== "metadata") this.superseding.abort();
    return this.inTurn(() => this.applyIntent(source));
  }

  /** Resolves when no step is running or waiting. Never rejects. */
  settled(): Promise<void> {
    return this.turn;
  }

  /**
   * Take no more messages, finish those in hand within `graceMs` milliseconds, end the workers. What waits is handed
   * out until the grace is over, then given back. Resolves with the subjects that did not end. Never rejects.
   */
  async close(graceMs = UNHURRIED_MS): Promise<string[]> {
    this.superseding.abort();
    this.move("closed");
    let unfinished: string[] = [];
    await this.inTurn(async () => {
      const replaced = this.departures.end(graceMs, this.current?.route);
      unfinished = [...(await this.takeDown(graceMs, "shutdown")), ...(await replaced)];
      this.services.claims.forget(this.name);
    });
    return unfinished;
  }

  /** S1. A step that rejects is a fault of ours: it is told, and the next step runs. */
  private inTurn(step: () => Promise<void>): Promise<void> {
    this.turn = this.turn
      .then(step)
      .catch((error: unknown) => this.tellFailed(toRuntimeError(error, `handler "${this.name}"`)));
    return this.turn;
  }

  private async bringUp(why: Why, sinceMs: number, fresh = false): Promise<void> {
    if (this.state === "stopped" || this.isHeldOff()) return;
    this.superseding = new AbortController();
    const { signal } = this.superseding;
    try {
      await this.bringUpFile(why, sinceMs, signal, fresh);
    } catch (error) {
      if (error instanceof Superseded || signal.aborted) return;
      this.failed(toRuntimeError(error, `handler "${this.name}" could not be brought up`), this.current === undefined);
    }
  }

  private async bringUpFile(why: Why, sinceMs: number, signal: AbortSignal, fresh: boolean): Promise<void> {
    const { bundler, gate } = this.services;
    const built = await bundler.build(this.file);
    this.inputs = built.ok ? built.bundle.inputs : built.inputs;
    if (!built.ok) throw built.error;
    const { bundle } = built;
    if (signal.aborted || (!fresh && this.isServing(bundle))) {
      await bundler.retire(bundle);
      if (!signal.aborted && this.lastFailure !== undefined) this.tellServing(why, sinceMs);
      return;
    }
    try {
      const idle = this.waitsIdle() ? await this.inspect(bundle) : undefined;
      const generation = await (idle === undefined
        ? gate(() => prepareGeneration(this.preparation(bundle, signal)))
        : bindIdleGeneration(idle, this.preparation(bundle, signal)));
      if (generation !== undefined) this.adopt(generation, why, sinceMs, idle === undefined ? "brought-up" : "bound");
    } catch (error) {
      await bundler.retire(bundle);
      throw error;
    }
  }

  /** Disabled by a word that a save cannot take back. */
  private isHeldOff(): boolean {
    return this.state === "disabled" && this.intents.disabled?.source !== "metadata";
  }

  private isServing(bundle: Bundle): boolean {
    return (this.state === "serving" || this.state === "idle") && this.current?.bundle.version === bundle.version;
  }

  /** D6: a version that replaces one without a process, or comes up where there are many, needs none either. */
  private waitsIdle(): boolean {
    return this.state === "idle" || (this.current === undefined && this.services.crowded());
  }

  /** What it exports, seen in a process shared with others; undefined when it wants a process of its own. */
  private async inspect(bundle: Bundle): Promise<ResolvedMetadata | undefined> {
    const metadata = await this.services.inspector.look(this.file, bundle);
    return metadata.minWorkers > 0 ? undefined : metadata;
  }

  private preparation(bundle: Bundle, signal: AbortSignal): PrepareOptions {
    return {
      ...this.source(bundle, signal),
      stats: this.stats,
      owner: this.owner,
      mayServe: (metadata) => {
        this.lastMetadata = metadata;
        if (metadata.disabled !== this.intents.has("metadata")) this.sayByMetadata(metadata);
        return !metadata.disabled && this.state !== "disabled";
      },
    };
  }

  private source(bundle: Bundle, signal: AbortSignal) {
    return { services: this.services, file: this.file, bundle, current: this.current, signal };
  }

  /** S3, S4. */
  private adopt(generation: Generation, why: Why, sinceMs: number, event: "brought-up" | "bound"): void {
    const old = this.current;
    this.current = generation;
    this.recovery.startAfresh();
    this.services.claims.keep(this.name, claimedBy(generation));
    generation.open();
    this.move(event);
    this.tellServing(why, sinceMs);
    if (event === "brought-up") this.completeCrew(generation);
    this.watchIdle();
    this.recycling.watch(generation, () => void this.reload(this.file, this.services.clock.monotonicMs(), true));
    if (old !== undefined) this.departures.replace(old, old.route === generation.route);
  }

  /** More workers of the same version, where `workers` asks for them. */
  private completeCrew(generation: Generation): void {
    const missing = generation.metadata.workers - generation.pids.length;
    for (let at = 0; at < missing; at++) void this.inTurn(() => this.recruit(generation));
  }

  private async recruit(generation: Generation): Promise<void> {
    if (this.current !== generation || generation.pids.length >= generation.metadata.workers) return;
    if (this.state === "stopped" || this.state === "disabled") return;
    const sinceMs = this.services.clock.monotonicMs();
    const why: Why = this.state === "waking" ? "wake" : "restart";
    this.superseding = new AbortController();
    const { signal } = this.superseding;
    try {
      await this.services.gate(() => generation.recruit(candidateOptions(this.source(generation.bundle, signal))));
      if (this.state === "serving") return;
      generation.route.comeBack(this.recovery.onTrial);
      this.move("brought-up");
      if (why === "restart") this.stats.restarts++;
      else this.stats.wokenAfter(this.services.clock.monotonicMs() - sinceMs);
      this.tellServing(why, sinceMs);
      this.watchIdle();
    } catch (error) {
      if (error instanceof Superseded) return;
      this.failed(toRuntimeError(error, `handler "${this.name}" could not be restarted`), this.state !== "serving");
    }
  }

  private wake(): void {
    if (this.state !== "idle" || this.current === undefined) return;
    const { current } = this;
    this.move("wake");
    void this.inTurn(() => this.recruit(current));
  }

  /** D6: an idle handler gives up its process, and keeps its binding. */
  private watchIdle(): void {
    const { current } = this;
    if (current === undefined) return;
    this.idle.watch(current, () => {
      if (this.current !== current || this.state !== "serving") return;
      this.move("went-idle");
      void current.dismiss();
    });
  }

  /** A worker ended unasked. */
  private onLost(generation: Generation, exit: WorkerExit, pid: number): void {
    if (this.current !== generation || this.state === "stopped" || this.state === "disabled") return;
    this.stats.workerLost(exit);
    const decision = this.recovery.failed();
    const error = exitError(this.name, this.file.displayPath, exit);
    this.reports.lost(generation, pid, error, decision.do === "restart" ? decision.afterMs : undefined);
    if (decision.do === "quarantine") return this.quarantine(error, decision.coolDownMs);
    if (generation.pids.length > 0) return void this.inTurn(() => this.recruit(generation));
    if (this.state === "serving") this.move(decision.afterMs === 0 ? "worker-lost" : "crash-loop");
    this.restartAfter(decision.afterMs);
  }

  private restartAfter(waitMs: number): void {
    const again = () => {
      if (this.state === "backing-off" || this.state === "quarantined") this.move("due");
      const { current } = this;
      const sinceMs = this.services.clock.monotonicMs();
      void this.inTurn(() => (current === undefined ? this.bringUp("start", sinceMs) : this.recruit(current)));
    };
    this.recovery.tryAfter(waitMs, again);
  }

  private quarantine(error: RuntimeError, coolDownMs: number): void {
    this.lastFailure = error;
    if (this.state !== "idle") this.move("quarantine");
    const reason = `quarantined: ${error.message}`;
    const { current } = this;
    current?.route.setAside(reason);
    void current?.terminate().then(() => current.route.giveBackQueued(reason));
    this.services.emit({ type: "handler.quarantined", handler: this.name, error, coolDownMs });
    this.restartAfter(coolDownMs);
  }

  /** S2; and S6, unless a later try has ended before. `only`: there is no version that goes on serving. */
  private failed(error: RuntimeError, only: boolean): void {
    if (this.state === "stopped" || this.state === "disabled") return;
    this.tellFailed(error);
    this.lastFailure = error;
    const lacksNats = error.code === "NATS_UNREACHABLE";
    const again = () => {
      if (this.lastFailure === error) void this.reload(this.file, this.services.clock.monotonicMs());
    };
    if (lacksNats) void this.services.binder.worthRetrying().then(again);
    if (!only) return this.resumeInterrupted();
    const mayComeUp = mayComeUpLater(error.code);
    this.move(mayComeUp ? "load-failed" : "refused");
    if (mayComeUp && !lacksNats) this.restartAfter(this.recovery.notComeUp());
  }

  /** S2: the save that failed may have cut short the restart, or the waking, of the version that serves. */
  private resumeInterrupted(): void {
    const { current } = this;
    if (current === undefined || (this.state !== "restarting" && this.state !== "waking")) return;
    void this.inTurn(() => this.recruit(current));
  }

  private sayByMetadata({ disabled }: ResolvedMetadata): void {
    void this.setIntent("metadata", disabled ? disabledByMetadata(this.services.clock.nowMs()) : undefined);
  }

  private async applyIntent(source: IntentSource): Promise<void> {
    const disabled = this.intents.disabled;
    if (this.state === "stopped") return;
    if (disabled?.now === true) void this.departures.terminate();
    if (disabled !== undefined && this.state !== "disabled") {
      this.superseding.abort();
      this.move("disabled");
      this.services.emit({ type: "handler.disabled", handler: this.name, by: disabled.by, reason: disabled.reason });
      // Off means: takes no more messages. What it has in hand ends in its own time.
      await this.current?.route.unbind();
      void this.takeDown(disabled.now ? 0 : UNHURRIED_MS, "disabled");
    } else if (disabled?.source === "metadata" && source !== "metadata") {
      // While somebody else held it off, the file may have been saved without its `disabled`.
      await this.bringUp("start", this.services.clock.monotonicMs());
    }
    if (disabled === undefined && this.state === "disabled") {
      this.move("enabled");
      this.recovery.startAfresh();
      this.services.emit({ type: "handler.enabled", handler: this.name });
      await this.bringUp("start", this.services.clock.monotonicMs());
    }
  }

  /** Resolves with the subjects of what did not end. */
  private async takeDown(graceMs: number, why: "shutdown" | "disabled"): Promise<string[]> {
    this.recovery.stop();
    this.recycling.stop();
    this.idle.stop();
    const { current } = this;
    if (current === undefined) return [];
    this.current = undefined;
    this.services.claims.keep(this.name, undefined);
    return this.departures.takeDown(current, graceMs, why);
  }

  private move(event: StateEvent): void {
    const from = this.state;
    this.state = transition(from, event);
    if (from !== this.state) this.services.emit({ type: "handler.state", handler: this.name, from, to: this.state });
  }

  private tellServing(why: Why, sinceMs: number): void {
    if (this.current === undefined) return;
    this.lastFailure = undefined;
    this.lastMetadata = this.current.metadata;
    if (why === "reload") this.stats.reloads++;
    this.reports.serving(this.current, why, this.services.clock.monotonicMs() - sinceMs);
  }

  private tellFailed(error: RuntimeError): void {
    this.reports.failed(
      error,
      this.state === "serving" || this.state === "idle" ? this.current?.bundle.version : undefined,
    );
  }
}
