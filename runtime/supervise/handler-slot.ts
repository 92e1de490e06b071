// The supervisor's place for one handler: brings versions up beside the one that serves, swaps them, restarts what
// died, sets aside what keeps dying, and takes everything down in the end.
//
// S1  Steps that change the slot run one after another; a newer save cuts a candidate short, never the current version.
// S2  A version that does not come up changes nothing but `lastFailure` and the log.
// S3  The new version takes deliveries before the old one stops taking them; the old one finishes what it has in flight.
//     One that is `exclusive` is set up after the old one has ended; when that fails, the old one is started again.
// S4  When kind or subject change: bind new, then unbind old, then let old finish. In between both take messages.
// S5  Once closed, the slot starts nothing.
// S6  A version that only lacks NATS or a stream comes up when that is there, whether or not an earlier one serves.
// S7  One that is tried on a share of the messages is no version that serves until it has passed (canary-trial.ts).

import type { Bundle } from "../bundle/bundle.ts";
import type { HandlerStats } from "../deliver/handler-stats.ts";
import type { HandlerFile } from "../discover/handler-file.ts";
import { assertNever, type RuntimeError, toRuntimeError } from "../errors.ts";
import type { ResolvedMetadata } from "../metadata/handler-metadata.ts";
import { bringUp } from "./bring-up.ts";
import { CanaryTrials } from "./canary-trial.ts";
import { CrewCare } from "./crew-care.ts";
import type { Generation, LostWorker } from "./generation.ts";
import { type HandlerStatus, statusOf } from "./handler-status.ts";
import { type Disabled, disabledByMetadata, type IntentSource, Intents } from "./intent.ts";
import { OutsideWait } from "./outside-wait.ts";
import { claimedBy, type GenerationOwner } from "./prepare.ts";
import { Recovery } from "./recovery.ts";
import { mayComeUpLater, whatItLacks } from "./restart-policy.ts";
import { RetiringGenerations, UNHURRIED_MS } from "./retiring-generations.ts";
import { RunningMessages } from "./running-messages.ts";
import type { SlotDeps } from "./slot-deps.ts";
import { SlotLife } from "./slot-life.ts";
import { SlotMemory } from "./slot-memory.ts";
import { exitError, SlotReports, teardownError, type Why } from "./slot-reports.ts";
import { SlotTurns } from "./slot-turns.ts";

export class HandlerSlot {
  readonly name: string;
  private readonly deps: SlotDeps;
  /** What is wanted. */
  private file: HandlerFile;
  private readonly intents = new Intents();
  /** What is. */
  private readonly life: SlotLife;
  private readonly memory: SlotMemory;
  private readonly retiring: RetiringGenerations;
  /** What comes next. */
  private readonly turns: SlotTurns;
  private readonly recovery: Recovery;
  private readonly outside: OutsideWait;
  private readonly crew: CrewCare;
  private readonly canary: CanaryTrials;
  readonly messages = new RunningMessages(() => [this.current, ...this.retiring.generations]);
  private readonly reports: SlotReports;
  private readonly owner: GenerationOwner = {
    wake: () => this.crew.wake(),
    lost: (generation, lost) => this.onLost(generation, lost),
    teardownFailed: (error) => this.tellFailed(teardownError(this.name, this.file.displayPath, error)),
    stepAside: (generation) => this.stepAside(generation),
    bindingFailed: (error) => this.deps.emit({ type: "nats.error", error }),
    bindingMoved: () => void this.reload(this.file, this.deps.clock.monotonicMs(), true),
  };

  constructor(file: HandlerFile, deps: SlotDeps) {
    const { clock, binder, gate, emit } = deps;
    this.name = file.name;
    this.file = file;
    this.deps = deps;
    this.life = new SlotLife(file.name, emit);
    this.memory = new SlotMemory([file.path]);
    this.reports = new SlotReports(file.name, emit);
    this.retiring = new RetiringGenerations(clock, this.reports);
    this.turns = new SlotTurns(gate, (error) => this.tellFailed(toRuntimeError(error, `handler "${file.name}"`)));
    this.recovery = new Recovery(clock);
    this.outside = new OutsideWait(binder, clock);
    this.crew = new CrewCare({
      handler: file.name,
      deps,
      life: this.life,
      turns: this.turns,
      recovery: this.recovery,
      stats: this.memory.stats,
      source: () => this.source(),
      onServing: (why, sinceMs) => this.tellServing(why, sinceMs),
      onFailed: (error, only) => this.failed(error, only),
      onRecycle: () => void this.reload(this.file, clock.monotonicMs(), true),
    });
    this.canary = new CanaryTrials({
      handler: file.name,
      versions: deps.versions,
      reports: this.reports,
      emit,
      retire: (generation) => {
        this.retiring.replace(generation, true);
        this.crew.watch();
      },
      onPassed: (generation) => void this.turns.run(async () => this.passed(generation)),
      onAgain: () => void this.queueReload(clock.monotonicMs(), true),
    });
  }

  get stats(): HandlerStats {
    return this.memory.stats;
  }

  /** Files whose change may change this handler. */
  get inputs(): readonly string[] {
    return this.memory.inputs;
  }

  get status(): HandlerStatus {
    const { name, file, memory } = this;
    const { state } = this.life;
    const { writes, slowStarts, versions } = this.deps;
    const standing = versions?.standingOf(name);
    const { disabled } = this.intents;
    const slowStart = disabled === undefined ? slowStarts?.of(name) : undefined;
    const canary = this.canary.standing;
    const view = { canary, name, file, state, memory, standing, disabled, slowStart, writes: writes.holdsOf(name) };
    return statusOf(view, this.retiring.generations);
  }

  /** Of the version that serves, else of the last that was seen. */
  get metadata(): ResolvedMetadata | undefined {
    return this.current?.metadata ?? this.memory.metadata;
  }

  private get current(): Generation | undefined {
    return this.life.current;
  }

  /**
   * Bring up the file as it is now; with `force` also when nothing in it has changed. Resolves when it serves or has
   * failed; never rejects.
   */
  reload(file: HandlerFile, noticedAtMs: number, force = false): Promise<void> {
    this.file = file;
    this.outside.stop();
    this.reports.askedAnew();
    return this.queueReload(noticedAtMs, force);
  }

  private queueReload(noticedAtMs: number, force = false): Promise<void> {
    return this.turns.reload(noticedAtMs, force, (fresh) =>
      this.bringUp(this.current === undefined ? "start" : "reload", noticedAtMs, fresh),
    );
  }

  /**
   * One source says what it wants. The handler goes off when any says "disabled" and comes back when none does.
   * Resolves when that is done; never rejects.
   */
  setIntent(source: IntentSource, disabled: Disabled | undefined): Promise<void> {
    this.intents.say(source, disabled);
    // Off is off: a version on its way up does not hold it back. Metadata speaks from within a version that comes up.
    if (disabled !== undefined && source !== "metadata") this.turns.supersede();
    return this.turns.run(() => this.applyIntent(source));
  }

  /** Resolves when no step is running or waiting. Never rejects. */
  settled(): Promise<void> {
    return this.turns.settled;
  }

  /**
   * Take no more messages, finish those in flight within `graceMs` milliseconds, end the workers. What waits is handed
   * out until the grace is over, then given back. Resolves with the subjects that did not end. Never rejects.
   */
  async close(graceMs = UNHURRIED_MS): Promise<string[]> {
    this.turns.supersede();
    this.turns.leave();
    const { current } = this;
    this.canary.end();
    this.life.move("closed");
    let unfinished: string[] = [];
    await this.turns.run(async () => {
      const replaced = this.retiring.end(graceMs, current?.route);
      unfinished = [...(await this.takeDown(current, graceMs, "shutdown")), ...(await replaced)];
      this.deps.claims.forget(this.name);
    });
    return unfinished;
  }

  private async bringUp(why: Why, sinceMs: number, fresh = false): Promise<void> {
    if (this.life.is("stopped") || this.isHeldOff()) return this.turns.leave();
    const { memory, owner } = this;
    if (fresh) await this.current?.route.lookAgain();
    const end = await bringUp({
      ...this.source(),
      place: this.turns.placeSince(sinceMs),
      memory,
      owner,
      onInputs: (inputs) => {
        memory.inputs = inputs;
      },
      isServing: (bundle) => !fresh && this.isServing(bundle),
      waitsIdle: () => this.waitsIdle(),
      onMetadata: (metadata) => this.learn(metadata),
      isWanted: () => !this.life.is("disabled") && !this.intents.has("metadata"),
    });
    this.turns.over({ superseded: end.kind === "superseded", fresh });
    switch (end.kind) {
      case "ready":
        if (end.isBefore) void this.queueReload(this.deps.clock.monotonicMs());
        return this.adopt(end.generation, why, sinceMs, end.event);
      case "unchanged":
        this.outside.stop();
        if (!this.canary.isOf(end.version)) this.canary.end();
        return memory.failure === undefined ? undefined : this.tellServing(why, sinceMs);
      case "failed":
        return this.failed(end.error, this.current === undefined);
      case "not-wanted":
      case "superseded":
        return undefined;
      default:
        return assertNever(end);
    }
  }

  /** A version that comes up has said what it is. */
  private learn(metadata: ResolvedMetadata): void {
    this.memory.metadata = metadata;
    const said = metadata.disabled ? disabledByMetadata(this.deps.clock.nowMs()) : undefined;
    if (metadata.disabled !== this.intents.has("metadata")) void this.setIntent("metadata", said);
  }

  /** Disabled, and not by its own metadata: a save does not change it. */
  private isHeldOff(): boolean {
    return this.life.is("disabled") && this.intents.disabled?.source !== "metadata";
  }

  private isServing({ version }: Bundle): boolean {
    return this.life.is("serving", "idle") && (this.current?.bundle.version === version || this.canary.isOf(version));
  }

  /** D6: a version that replaces one without a process, or comes up where there are many, needs none either. One that may be tried does. */
  private waitsIdle(): boolean {
    const { current } = this;
    if (current === undefined) return this.deps.crowded();
    return this.life.is("idle") && current.metadata.canary === undefined;
  }

  /** What a candidate is made from. */
  private source() {
    const { deps, file, current } = this;
    return { deps, file, current, signal: this.turns.begin() };
  }

  /** S3. What comes meanwhile waits. */
  private stepAside(generation: Generation): Promise<void> {
    if (this.life.is("serving")) this.life.move("stepped-aside");
    return generation.dismiss();
  }

  private adopt(generation: Generation, why: Why, sinceMs: number, event: "brought-up" | "bound"): void {
    // It was bound in the very moment in which the slot was closed.
    if (this.life.is("stopped")) return void this.retiring.takeDown(generation, 0, "shutdown");
    this.outside.stop();
    if (this.canary.begin(generation, this.current, this.life.is("serving", "idle"))) return this.besideCanary();
    this.canary.end();
    this.goLive(generation, why, sinceMs, event);
  }

  /** S7. What the version before needs for its part of the messages. */
  private besideCanary(): void {
    this.memory.failure = undefined;
    this.crew.stop();
    this.crew.wake();
  }

  /** S7. */
  private passed(generation: Generation): void {
    if (this.canary.generation !== generation || this.current === undefined) return;
    this.canary.release();
    this.goLive(generation, "reload", this.deps.clock.monotonicMs(), "brought-up");
  }

  /** S3, S4. */
  private goLive(generation: Generation, why: Why, sinceMs: number, event: "brought-up" | "bound"): void {
    const old = this.current;
    this.recovery.startAfresh();
    this.deps.claims.keep(this.name, claimedBy(generation));
    generation.open();
    this.life.move(event, generation);
    this.nowServes(generation, old);
    this.tellServing(why, sinceMs);
    if (event === "brought-up") this.crew.complete(generation);
    this.crew.watch();
    if (old !== undefined) this.retiring.replace(old, old.route === generation.route);
  }

  private nowServes({ bundle, metadata }: Generation, old: Generation | undefined): void {
    if (old?.bundle.version !== bundle.version) this.memory.servesSinceMs = this.deps.clock.nowMs();
    this.deps.versions?.served(bundle, metadata);
  }

  /** A worker ended unasked. */
  private onLost(generation: Generation, lost: LostWorker): void {
    const tried = this.canary.generation;
    const isTried = tried === generation;
    if ((this.current !== generation && !isTried) || this.life.is("stopped", "disabled")) return;
    this.stats.workerLost(lost.exit);
    const error = exitError(this.name, this.file.displayPath, lost.exit);
    if (isTried) return this.canary.lost(lost, error);
    const decision = this.recovery.failed(lost.death);
    this.reports.lost(generation, lost.pid, error, decision.do === "restart" ? decision.afterMs : undefined);
    // What is tried beside it may be what mends it.
    if (decision.do === "quarantine" && tried !== undefined) return void this.turns.run(async () => this.passed(tried));
    if (decision.do === "quarantine") return this.quarantine(error, decision.coolDownMs);
    if (generation.pids.length > 0) return void this.crew.recruit(generation);
    if (this.life.is("serving")) this.life.move(decision.afterMs === 0 ? "worker-lost" : "crash-loop");
    this.restartAfter(decision.afterMs);
  }

  private restartAfter(waitMs: number): void {
    const again = () => {
      if (this.life.is("backing-off", "quarantined")) this.life.move("due");
      const { current } = this;
      const sinceMs = this.deps.clock.monotonicMs();
      if (current === undefined) void this.turns.run(() => this.bringUp("start", sinceMs));
      else void this.crew.recruit(current);
    };
    this.recovery.tryAfter(waitMs, again);
  }

  private quarantine(error: RuntimeError, coolDownMs: number): void {
    this.memory.failure = error;
    if (!this.life.is("idle")) this.life.move("quarantine");
    const reason = `quarantined: ${error.message}`;
    const { current } = this;
    current?.route.setAside(reason);
    void current?.terminate().then(() => current.route.giveBackQueued(reason));
    this.deps.emit({ type: "handler.quarantined", handler: this.name, error, coolDownMs });
    this.restartAfter(coolDownMs);
  }

  /** S2; and S6, unless a later try has ended before. `only`: there is no version that goes on serving. */
  private failed(error: RuntimeError, only: boolean): void {
    if (this.life.is("stopped", "disabled")) return;
    this.tellFailed(error);
    this.memory.failure = error;
    const lacking = { handler: this.name, code: error.code, metadata: this.memory.metadata };
    this.outside.wait(lacking, () => void this.queueReload(this.deps.clock.monotonicMs()));
    if (!only) return this.resumeInterrupted();
    const mayComeUp = mayComeUpLater(error.code);
    this.life.move(mayComeUp ? "load-failed" : "refused");
    if (mayComeUp && whatItLacks(error.code) === undefined) this.restartAfter(this.recovery.notComeUp());
  }

  /** S2: the save that failed may have cut short the restart, or the waking, of the version that serves. */
  private resumeInterrupted(): void {
    const { current } = this;
    if (current === undefined || !this.life.is("restarting", "waking")) return;
    void this.crew.recruit(current);
  }

  private async applyIntent(source: IntentSource): Promise<void> {
    const disabled = this.intents.disabled;
    if (this.life.is("stopped")) return;
    if (disabled?.now === true) void this.retiring.terminate();
    if (disabled !== undefined && !this.life.is("disabled")) {
      const { current } = this;
      this.turns.supersede();
      this.canary.end();
      this.life.move("disabled");
      this.deps.emit({ type: "handler.disabled", handler: this.name, by: disabled.by, reason: disabled.reason });
      // Off means: takes no more messages. What it has in flight ends in its own time.
      void this.takeDown(current, disabled.now ? 0 : UNHURRIED_MS, "disabled");
      await current?.route.unbind();
    } else if (disabled?.source === "metadata" && source !== "metadata") {
      // While somebody else held it off, the file may have been saved without its `disabled`.
      await this.bringUp("start", this.deps.clock.monotonicMs());
    }
    if (disabled === undefined && this.life.is("disabled")) {
      this.life.move("enabled");
      this.recovery.startAfresh();
      this.deps.emit({ type: "handler.enabled", handler: this.name });
      await this.bringUp("start", this.deps.clock.monotonicMs());
    }
  }

  /** Of a version that is no longer current. Resolves with the subjects of what did not end. */
  private async takeDown(left: Generation | undefined, graceMs: number, why: "shutdown" | "disabled") {
    for (const watch of [this.recovery, this.outside, this.crew]) watch.stop();
    if (left === undefined) return [];
    this.deps.claims.keep(this.name, []);
    return this.retiring.takeDown(left, graceMs, why);
  }

  private tellServing(why: Why, sinceMs: number): void {
    if (this.current === undefined) return;
    this.memory.failure = undefined;
    this.memory.metadata = this.current.metadata;
    if (why === "reload") this.stats.reloads++;
    this.reports.serving(this.current, why, this.deps.clock.monotonicMs() - sinceMs);
  }

  private tellFailed(error: RuntimeError): void {
    this.reports.failed(error, this.life.is("serving", "idle") ? this.current?.bundle.version : undefined);
  }
}
