// One binding and the dispatcher behind it: what comes in is dispatched, what has ended is settled, counted and told.

import type { Clock } from "../clock.ts";
import type { RuntimeError } from "../errors.ts";
import type { Emit } from "../events.ts";
import type { Binding, BindingOwner, PlannedBinding } from "../message/binding.ts";
import type { Delivery } from "../message/delivery.ts";
import type { DeliverySpans } from "../message/delivery-spans.ts";
import type { DeliveryTap, HowItEnded } from "../message/delivery-tap.ts";
import type { FleetRates } from "../message/fleet-rates.ts";
import { deliveryIdOf } from "../message/message-id.ts";
import { type Failure, isFailure, type Outcome, RETURNED } from "../message/outcome.ts";
import type { Settlement } from "../message/settlement.ts";
import type { SlowDowns } from "../message/slow-down.ts";
import type { SlowStarts } from "../message/slow-start.ts";
import { traceIdIn } from "../message/trace-context.ts";
import type { WorkerPort } from "../message/worker-port.ts";
import { claimsText } from "../metadata/claims.ts";
import type { ResolvedMetadata } from "../metadata/handler-metadata.ts";
import { isBoundAlike } from "./bound-to.ts";
import type { Canary } from "./canary.ts";
import { Dispatcher } from "./dispatcher.ts";
import { type Deadlines, type DispatcherLimits, limitsOf } from "./dispatcher-limits.ts";
import type { DispatcherOwner } from "./dispatcher-owner.ts";
import { FailureLines } from "./failure-lines.ts";
import type { HandlerStats } from "./handler-stats.ts";
import { Holds } from "./holds.ts";
import { KeyPauses } from "./key-pauses.ts";
import type { Neighbours } from "./neighbours.ts";
import { errorText, outcomeError } from "./outcome-error.ts";
import { OwnPaces } from "./own-paces.ts";
import { Pause } from "./pause.ts";
import { ruleOf, type SettleRule, settle } from "./settle.ts";
import { SlowStart } from "./slow-start.ts";
import { type SuspicionMemory, Suspicions } from "./suspicions.ts";
import { Trial } from "./trial.ts";
import type { WorkerPlace } from "./worker-place.ts";

export interface RouteOptions extends Deadlines {
  readonly handler: string;
  readonly file: string;
  readonly rootDir: string;
  readonly metadata: ResolvedMetadata;
  readonly maxHops: number;
  /** Of the handlers that share a process by that name; undefined: nobody shares any. */
  readonly neighboursIn?: ((group: string) => Neighbours | undefined) | undefined;
  readonly plan: PlannedBinding;
  readonly stats: HandlerStats;
  /** Which messages may have killed a worker, from bindings before this one as well. */
  readonly suspicions: SuspicionMemory;
  /** Undefined: tracing is off. */
  readonly spans: DeliverySpans | undefined;
  readonly tap?: DeliveryTap | undefined;
  /** Undefined: there are no other replicas to tell. */
  readonly slowDowns?: SlowDowns | undefined;
  /** Undefined: no operator is there to have it begin slowly. */
  readonly slowStarts?: SlowStarts | undefined;
  /** Undefined: there are no other replicas to share a rate with. */
  readonly fleetRates?: FleetRates | undefined;
  /** Where the wait before a retry lies in its spread, from 0 to 1; undefined: by chance. */
  readonly retrySpread?: (() => number) | undefined;
  readonly clock: Clock;
  readonly emit: Emit;
  /** Deliveries wait and there is no worker for them. */
  readonly onWake: () => void;
  readonly onFault: (error: RuntimeError) => void;
  /** What the route is bound to is elsewhere now: from now on it `serves` nothing. */
  readonly onMoved: () => void;
}

/** A delivery that runs. */
export interface RunningDelivery {
  readonly delivery: Delivery;
  readonly id: string;
  readonly ranMs: number;
  /** Its function has returned, and it waits to be settled. */
  readonly isDeferred?: true;
}

export class Route implements DispatcherOwner, BindingOwner {
  readonly dispatcher: Dispatcher;
  readonly idPrefixes: readonly string[];
  /** What keeps messages from the binding. */
  readonly holds: Holds;
  private readonly options: RouteOptions;
  private readonly suspicions: Suspicions;
  private readonly pause: Pause;
  private readonly keyPauses: KeyPauses;
  private readonly slowStart: SlowStart;
  private readonly paces: OwnPaces;
  private metadata: ResolvedMetadata;
  private rule: SettleRule;
  /** Since when the rule is that of its version. */
  private sinceMs: number;
  private binding: Binding | undefined;
  private unbinding: Promise<void> | undefined;
  private readonly lines: FailureLines;
  private asideBecause: string | undefined;
  private trial: Trial | undefined;

  constructor(options: RouteOptions) {
    this.options = options;
    this.metadata = options.metadata;
    this.rule = ruleOf(options.metadata, "");
    this.sinceMs = options.clock.nowMs();
    this.idPrefixes = options.plan.idPrefixes;
    this.lines = new FailureLines(options);
    this.holds = new Holds(options.handler, options.clock, options.emit);
    this.suspicions = new Suspicions(this.idPrefixes, options.suspicions);
    const { handler, slowDowns, slowStarts, fleetRates, clock, emit } = options;
    const waiting = () => this.dispatcher.queued;
    const onTurn = () => this.dispatcher.goOn();
    this.paces = new OwnPaces({ handler, fleetRates, holds: this.holds, clock, waiting, onTurn });
    this.dispatcher = new Dispatcher(this.ownLimits(this.metadata), this, this.suspicions, clock);
    const onChange = (isPaused: boolean) => this.dispatcher.slow(isPaused);
    const { holds } = this;
    this.pause = new Pause({ handler, slowDowns, holds, clock, onChange });
    this.keyPauses = new KeyPauses({
      ...{ handler, slowDowns, holds, clock },
      metadata: () => this.metadata,
      onBegin: () => this.takeQueuedAgain(),
      again: (delivery) => this.takeAgain(delivery),
    });
    this.slowStart = new SlowStart({
      ...{ handler, slowStarts, clock, waiting, onTurn },
      metadata: () => this.metadata,
      onChange: () => this.dispatcher.configure(this.limitsFor(this.metadata)),
      onUsedUp: (why) => this.giveBackQueued(why),
      tell: (message) => emit({ type: "runtime.notice", level: "warn", message }),
    });
    this.slowStart.follow();
  }

  /** The place of a worker of that version, with its metadata. The caller starts the worker with it as its events, then opens it. */
  lane(worker: WorkerPort, version: string, metadata: ResolvedMetadata): WorkerPlace {
    const { spans, handler, plan } = this.options;
    const { subjects } = metadata;
    const about = { handler, version, subjects, groups: plan.groups, idPrefixes: this.idPrefixes };
    const port = spans === undefined ? worker : spans.around(worker, about);
    return this.dispatcher.lane(port, this.limitsFor(metadata), metadata.canary && version);
  }

  /** The version that the canary is of has its share, in that lane, until it is adopted or `endTrial` is called. */
  try(canary: Canary, lane: WorkerPlace, metadata: ResolvedMetadata): void {
    this.trial = new Trial(canary, ruleOf(metadata, canary.version));
    this.dispatcher.give({ lane, takes: (delivery) => canary.takes(delivery) });
  }

  /** What the version has begun it finishes. */
  endTrial(): void {
    if (this.trial === undefined) return;
    this.trial.end();
    this.dispatcher.give(undefined);
  }

  private limitsFor(metadata: ResolvedMetadata): DispatcherLimits {
    return this.slowStart.limits(this.ownLimits(metadata), metadata);
  }

  private ownLimits(metadata: ResolvedMetadata): DispatcherLimits {
    return this.paces.limits(limitsOf(metadata, this.options), metadata);
  }

  /** Whether a version with this metadata can be served without binding anew. */
  serves(metadata: ResolvedMetadata): boolean {
    return this.binding?.hasMoved !== true && isBoundAlike(this.metadata, metadata);
  }

  get isStandby(): boolean {
    return this.binding?.isStandby === true;
  }

  /** Find out now whether it is still bound to the right place. Never rejects. */
  async lookAgain(): Promise<void> {
    await this.binding?.lookAgain?.();
  }

  /** Workers opened from now on run by this metadata. `serves` must have said yes. */
  adopt(metadata: ResolvedMetadata, version: string): void {
    this.endTrial();
    this.trial = undefined;
    this.metadata = metadata;
    this.rule = ruleOf(metadata, version);
    this.sinceMs = this.options.clock.nowMs();
    this.binding?.adopt?.(metadata);
    this.dispatcher.configure(this.limitsFor(metadata));
    const { group } = metadata;
    this.dispatcher.liveAmong(group === undefined ? undefined : this.options.neighboursIn?.(group));
  }

  async bind(): Promise<void> {
    const { handler, plan, onFault, onMoved, emit } = this.options;
    const onOverflow = (delivery: Delivery) => this.settled(delivery, { kind: "queue-full" }, 0);
    const { metadata, holds } = this;
    this.paces.prepare(metadata);
    this.binding = await plan.bind({ handler, metadata, owner: this, onOverflow, holds, onFault, onMoved });
    emit({ type: "handler.bound", handler, kind: metadata.kind, subject: claimsText(metadata.subjects) });
  }

  /** Take no more messages; what has been taken goes on. Never rejects. A second call joins the first. */
  unbind(): Promise<void> {
    this.unbinding ??= this.unbindOnce();
    return this.unbinding;
  }

  private async unbindOnce(): Promise<void> {
    await this.binding?.unbind();
    const { kind, rate, fairBy } = this.metadata;
    // It may wait for long, and other replicas may have its turn.
    if (kind === "durable" && (rate ?? fairBy) !== undefined) this.giveBackQueued("it waited for its turn");
    this.dispatcher.noMore();
    this.pause.close();
    this.keyPauses.close();
    this.slowStart.close();
    this.holds.clear();
    const { handler, emit } = this.options;
    emit({ type: "handler.unbound", handler, subject: claimsText(this.metadata.subjects) });
  }

  /** Settle what still waits as not handled. */
  giveBackQueued(why: string): void {
    for (const delivery of [...this.keyPauses.takeAll(), ...this.dispatcher.takeQueued()])
      this.settled(delivery, { kind: "given-back", why }, 0);
  }

  /** The handler keeps dying: requests are refused with the reason, events dropped; durable messages stay in the stream. */
  setAside(reason: string): void {
    this.asideBecause = reason;
    this.suspicions.countedAgainstHandler();
    this.dispatcher.hold();
    this.giveBackQueued(reason);
  }

  /** Back from being set aside. On trial, one message runs alone before the others follow. */
  comeBack(onTrial: boolean): void {
    if (this.asideBecause === undefined) return;
    this.asideBecause = undefined;
    this.dispatcher.resume(onTrial);
  }

  /** What waits, for a place or its turn. */
  get queued(): number {
    return this.dispatcher.queued + this.keyPauses.kept;
  }

  get room(): number {
    return this.dispatcher.room;
  }

  accept(delivery: Delivery): boolean {
    delivery.arrivedAtMs = this.dispatcher.turnMs();
    if (delivery.hops >= this.options.maxHops) {
      this.settled(delivery, { kind: "too-many-hops", hops: delivery.hops }, 0);
      return true;
    }
    if (this.asideBecause !== undefined) {
      this.settled(delivery, { kind: "given-back", why: this.asideBecause }, 0);
      return true;
    }
    const pausedMs = this.keyPauses.count === 0 ? 0 : this.keyPauses.leftMs(delivery);
    return pausedMs === 0 ? this.dispatcher.accept(delivery) : this.putOff(delivery, pausedMs);
  }

  /** A stored message waits in its stream; another one has nobody else. */
  private putOff(delivery: Delivery, delayMs: number): boolean {
    if (this.rule.kind !== "durable") return this.keyPauses.keep(delivery);
    this.binding?.apply(delivery, { do: "run-again", delayMs, why: "", otherwise: { do: "give-back" } });
    return true;
  }

  private takeAgain(delivery: Delivery): void {
    if (!this.accept(delivery)) this.settled(delivery, { kind: "queue-full" }, 0);
  }

  /** What waits, in a worker too, as if it had just come. */
  private takeQueuedAgain(): void {
    this.dispatcher.slow(true);
    for (const delivery of this.dispatcher.takeQueued()) this.takeAgain(delivery);
    this.dispatcher.slow(this.pause.isOn);
  }

  letPass(why: string, delivery?: Delivery): void {
    if (delivery === undefined) return this.options.stats.count("filtered", 1, 0, 0);
    delivery.arrivedAtMs = this.dispatcher.turnMs();
    this.settled(delivery, { kind: "filtered", why }, 0);
  }

  settled(delivery: Delivery, outcome: Outcome, tookMs: number, version?: string): void {
    const { stats, spans, tap } = this.options;
    const trial = this.trial?.count(delivery, outcome, version) === true ? this.trial : undefined;
    const rule = trial?.rule ?? this.rule;
    spans?.ended(delivery, outcome);
    const waitedMs = Math.max(0, this.dispatcher.turnMs() - tookMs - (delivery.arrivedAtMs ?? 0));
    stats.count(outcome.kind, delivery.attempt, tookMs, waitedMs);
    const { kind } = rule;
    if (outcome === RETURNED && kind === "event") {
      // Most messages end here.
      if (tap?.isOpen) this.show(tap, delivery, outcome, { tookMs, waitedMs }, rule);
      return;
    }
    const decided = settle(outcome, delivery.attempt, rule, this.options.retrySpread?.() ?? Math.random());
    const mended = trial?.mended(delivery, decided) ?? decided;
    const settlement = mended.do === "run-again" ? this.slowDown(delivery, mended) : mended;
    if (settlement === undefined) return;
    const done = this.binding?.apply(delivery, settlement);
    if (tap?.isOpen) this.show(tap, delivery, outcome, { tookMs, waitedMs, settlement, settled: done }, rule);
    if (!isFailure(outcome) && done === undefined) return;
    stats.lastError = errorText(outcome, settlement);
    if (outcome.kind === "queue-full") return this.lines.queueFull(this.metadata);
    if (kind === "durable" && (outcome.kind === "slow-down" || outcome.kind === "given-back")) return;
    if (outcome.kind === "given-back") return this.lines.drop(outcome.why);
    this.reportFailure(delivery, outcome, done ?? settlement.do, rule.version);
  }

  /** What runs, oldest first in each worker. */
  running(): RunningDelivery[] {
    const nowMs = this.options.clock.monotonicMs();
    return this.dispatcher.lanes.running().map(({ delivery, sinceMs, ...more }) => ({
      ...more,
      delivery,
      id: deliveryIdOf(this.idPrefixes, delivery),
      ranMs: Math.max(0, nowMs - sinceMs),
    }));
  }

  /** End a message that runs, for good. Undefined when none of that id does. Resolves when it has ended. */
  cancel(id: string, by: string): Promise<void> | undefined {
    const found = this.running().find((one) => one.id === id);
    if (found === undefined) return undefined;
    const { handler, emit } = this.options;
    const { delivery, ranMs } = found;
    emit({ type: "delivery.cancelled", handler, id, subject: delivery.subject, by, ranMs: Math.round(ranMs) });
    return this.dispatcher.lanes.cancel((one) => one === delivery, by);
  }

  chunk(delivery: Delivery, data: Uint8Array): void {
    this.binding?.chunk(delivery, data);
  }

  /** The messages that are to blame are told of by themselves. */
  halved(count: number, outcome: Outcome): void {
    this.lines.halved(count, outcome);
  }

  wake(): void {
    this.options.onWake();
  }

  roomChanged(): void {
    this.binding?.roomChanged();
  }

  /** Undefined when the message waits here. */
  private slowDown(delivery: Delivery, runAgain: Extract<Settlement, { do: "run-again" }>): Settlement | undefined {
    const { key } = runAgain;
    const isPaused = key === undefined ? this.pause.ask(runAgain) : this.keyPauses.ask(delivery, runAgain, key);
    if (this.rule.kind === "durable") return runAgain;
    const isKept = isPaused && (key === undefined ? this.dispatcher.accept(delivery) : this.keyPauses.keep(delivery));
    return isKept ? undefined : runAgain.otherwise;
  }

  /** A deferred message holds no slot of its binding. */
  inSlot(delivery: Delivery, isInSlot: boolean): void {
    this.binding?.inSlot?.(delivery, isInSlot);
  }

  /** To whoever watches. */
  private show(tap: DeliveryTap, delivery: Delivery, outcome: Outcome, how: HowItEnded, { version }: SettleRule): void {
    const { handler } = this.options;
    if (!tap.takes(handler, isFailure(outcome))) return;
    const id = deliveryIdOf(this.idPrefixes, delivery);
    const error = isFailure(outcome) ? () => this.errorOf(delivery, outcome, "") : undefined;
    tap.ended({ handler, version, id, delivery, outcome, error, ...how });
  }

  private errorOf(delivery: Delivery, outcome: Outcome, settled: string): RuntimeError {
    const { handler, file, rootDir } = this.options;
    const { timeoutMs } = this.metadata;
    const about = { handler, file, rootDir, subject: delivery.subject, timeoutMs, sinceMs: this.sinceMs };
    // A reply that could not be sent is a failure of a delivery that returned.
    const failure: Failure = isFailure(outcome)
      ? outcome
      : { kind: "not-serializable", error: { name: "Error", message: settled, stack: "" } };
    return outcomeError(failure, about);
  }

  private reportFailure(delivery: Delivery, outcome: Outcome, settled: string, version: string): void {
    if (!this.lines.mayTell()) return;
    const { handler, emit } = this.options;
    const { subject, attempt, headers } = delivery;
    emit({
      type: "delivery.failed",
      ...{ handler, version, subject, attempt, outcome: outcome.kind, settled },
      id: deliveryIdOf(this.idPrefixes, delivery),
      traceId: traceIdIn(headers),
      error: this.errorOf(delivery, outcome, settled),
    });
  }
}
