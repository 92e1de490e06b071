// One handler's deliveries: queue them, hand them to its workers, tell how each ended.
//
// D1  A delivery is settled exactly once, whatever happens to the workers.
// D2  At most `concurrency` run at a time in each worker. Where the order matters (`ordered`), a worker gets nothing
//     while another still has something in flight.
// D3  After a worker died with several deliveries in flight, each of them runs alone, until all have been tried; and so
//     does, whenever it comes again, what was given back before it was tried, or what has killed a worker. Between two
//     that are known to kill the others have their turn.
// D4  Where nothing is lost by it, a worker is handed more than it may run, so that it never waits for the next batch.
// D5  With a `rate` no more begin than it allows, and where turns are counted no more than have one. What waits for its turn
//     takes up no slot, and stored messages are asked for only shortly before it.
// D6  While one worker has a share of its own (a canary's), the messages of that share are for it alone, and the others for the
//     other workers; both together run at most `concurrency` at a time. The share ends with the worker.
// D7  Where other handlers have their workers in the same process, what runs alone is alone among all of them (neighbours.ts).
// D8  What is deferred takes up no slot and no place of its key, and holds nothing up but the end of its worker, and of all work.
// D9  Where messages wait by their keys, those of one key that may not begin let the others pass (keyed-queue.ts).

import type { Clock } from "../clock.ts";
import type { Delivery } from "../message/delivery.ts";
import { leavesWorkerAlive, type Outcome } from "../message/outcome.ts";
import type { WorkerPort } from "../message/worker-port.ts";
import { AllDone } from "./all-done.ts";
import { BatchLane, type BatchOwner } from "./batch-lane.ts";
import { DeliveryQueue, type WaitingDeliveries } from "./delivery-queue.ts";
import type { DispatcherLimits } from "./dispatcher-limits.ts";
import type { DispatcherOwner } from "./dispatcher-owner.ts";
import { KeyedQueue } from "./keyed-queue.ts";
import { Lane } from "./lane.ts";
import { Lanes } from "./lanes.ts";
import type { Neighbours } from "./neighbours.ts";
import { Pace } from "./pace.ts";
import { Prefetch } from "./prefetch.ts";
import { type Share, tellingVersion } from "./share.ts";
import type { Death, Suspicions } from "./suspicions.ts";
import { TurnClock } from "./turn-clock.ts";
import type { LeftBehind, WorkerPlace } from "./worker-place.ts";

export class Dispatcher implements BatchOwner {
  private limits: DispatcherLimits;
  private readonly owner: DispatcherOwner;
  private readonly clock: Clock;
  private readonly suspicions: Suspicions;
  private readonly queue: WaitingDeliveries;
  /** The queue, where there are keys (D9). */
  private readonly keyed: KeyedQueue | undefined;
  private readonly prefetch = new Prefetch();
  readonly lanes = new Lanes();
  private share: Share | undefined;
  /** To be run alone (D3). */
  private suspects: Delivery[] = [];
  /** So many others are handed over, if there are any, before the next that is to run alone. */
  private othersTurn = 0;
  /** Set aside: it keeps dying. */
  private held = false;
  /** It has been told to go slower. */
  private slowed = false;
  /** Until one delivery has ended without harm, only one is in flight. */
  private trial = false;
  private lastBusyMs: number;
  /** A suspect is in flight. */
  private alone = false;
  /** Besides those in flight: in no slot, and settled later (D8). */
  deferrals = 0;
  private inHand = 0;
  private readonly allDone = new AllDone();
  private readonly turn: TurnClock;
  private readonly pace: Pace;
  private neighbours: Neighbours | undefined;

  constructor(limits: DispatcherLimits, owner: DispatcherOwner, suspicions: Suspicions, clock: Clock) {
    this.limits = limits;
    this.suspicions = suspicions;
    this.owner = owner;
    this.clock = clock;
    this.turn = new TurnClock(clock);
    const { maxQueued, maxQueuedBytes: maxBytes, keys: rules } = limits;
    this.keyed = rules && new KeyedQueue({ rules, maxQueued, maxBytes, clock, onOpen: () => this.goOn() });
    this.queue = this.keyed ?? new DeliveryQueue(maxQueued, maxBytes);
    this.lastBusyMs = clock.monotonicMs();
    this.pace = new Pace({ clock, waiting: () => this.queued, onTurn: () => this.goOn() });
    this.pace.follow(limits);
  }

  get inFlight(): number {
    return this.inHand;
  }

  get queued(): number {
    return this.queue.size + this.suspects.length;
  }

  /** How many more deliveries would start at once. For bindings that ask for messages. */
  get room(): number {
    if (this.isHeld) return 0;
    const { concurrency } = this.limits;
    // As many as run at a time may wait to run alone without holding up the rest.
    const waiting = Math.max(0, this.suspects.length - concurrency);
    const workers = this.share === undefined ? Math.max(1, this.lanes.open.size) : 1;
    const places = workers * concurrency - this.inHand - waiting;
    const free = Math.max(0, this.keyed?.room(places) ?? places - this.queue.size);
    if (!this.pace.isSet || this.keyed?.looksAhead === true) return free;
    return Math.min(free, this.pace.soon(this.turnMs()));
  }

  /** From now on. */
  configure(limits: DispatcherLimits): void {
    this.limits = limits;
    if (this.pace.follow(limits)) this.goOn();
  }

  /** D7: from now on, or with nobody any more. */
  liveAmong(neighbours: Neighbours | undefined): void {
    if (this.neighbours === neighbours) return;
    this.neighbours?.leave(this);
    this.neighbours = neighbours;
    neighbours?.join(this);
  }

  /** Nothing more is accepted: what waits has its turns still. */
  noMore(): void {
    this.pace.noMore();
  }

  /** False when the queue is full: the delivery was not taken. */
  accept(delivery: Delivery): boolean {
    if (this.suspicions.has(delivery)) return this.acceptSuspect(delivery);
    const lane = this.queue.size === 0 && this.keyed === undefined ? this.freeLane(delivery) : undefined;
    if (lane !== undefined) {
      this.handOver(lane, delivery);
      return true;
    }
    if (!this.queue.push(delivery)) return false;
    if (this.isDeserted && !this.isHeld) this.owner.wake();
    if (this.keyed === undefined) return true;
    this.pump();
    this.owner.roomChanged(); // What waits for its turn takes up none.
    return true;
  }

  private acceptSuspect(delivery: Delivery): boolean {
    if (this.queued >= this.limits.maxQueued) return false;
    this.suspects.push(delivery);
    this.pump();
    if (this.isDeserted && !this.isHeld) this.owner.wake();
    return true;
  }

  /**
   * A worker's place. The caller starts the worker with the lane as its events, then calls `ready`. `limits`: of the version
   * that it runs, which need not be adopted yet. `version`: which one that is, where it is to be told of what it ran.
   */
  lane(worker: WorkerPort, limits: DispatcherLimits = this.limits, version?: string): WorkerPlace {
    const [{ batch }, { clock }] = [limits, this];
    const owner = version === undefined ? this : tellingVersion(this, version);
    return batch === undefined ? new Lane(worker, limits, owner, clock) : new BatchLane(worker, batch, owner, clock);
  }

  /** D6: from now on, or no longer. Its lane may have been open before. */
  give(share: Share | undefined): void {
    this.share = share;
    if (share !== undefined) this.lanes.open.add(share.lane);
    this.pump();
  }

  /** From now on the lane's worker gets deliveries. */
  ready(lane: WorkerPlace): void {
    this.lanes.open.add(lane);
    this.pump();
  }

  /** No more deliveries for this lane. Resolves when it has none in flight. */
  async retire(lane: WorkerPlace): Promise<void> {
    this.takeBack(lane);
    this.lanes.drain(lane);
    this.pump();
    await lane.empty();
    this.lanes.gone(lane);
    this.pump();
  }

  private get isBusy(): boolean {
    return this.inHand + this.deferrals + this.queued > 0;
  }

  /** Milliseconds since something was last handed over or in flight; 0 while anything is. */
  get idleForMs(): number {
    return this.isBusy ? 0 : this.clock.monotonicMs() - this.lastBusyMs;
  }

  /** Hand nothing over until `resume`; what arrives waits. */
  hold(): void {
    this.held = true;
  }

  resume(onTrial = false): void {
    this.held = false;
    this.trial = onTrial;
    this.goOn();
  }

  /** Hand nothing over until it is called with false; what arrives waits. */
  slow(isSlowed: boolean): void {
    this.slowed = isSlowed;
    if (!isSlowed) return this.goOn();
    for (const lane of this.lanes.open) this.takeBack(lane);
  }

  /** To the front of the queue, what has been handed over and not begun. */
  private takeBack(lane: WorkerPlace): void {
    const back = lane.takeBack?.() ?? [];
    this.inHand -= back.length;
    this.queue.putBack(back);
  }

  /** What waits may have become free to begin. */
  goOn(): void {
    if (this.isHeld) return;
    this.pump();
    if (this.queued > 0 && this.isDeserted) this.owner.wake();
    this.owner.roomChanged();
  }

  /** D5. One wants to begin, and could. */
  private hasNoTurn(): boolean {
    return this.pace.isSet && this.pace.holdsBack(this.turnMs());
  }

  /** There is no worker, but for the one that has a share (D6). */
  private get isDeserted(): boolean {
    return this.lanes.open.size === (this.share === undefined ? 0 : 1);
  }

  private get isHeld(): boolean {
    return this.held || this.slowed;
  }

  /** Take out everything that waits, to give it back. */
  takeQueued(): Delivery[] {
    const all = [...this.suspects, ...this.queue.takeAll()];
    this.suspects = [];
    this.pace.nobodyWaits();
    this.tellFinished();
    return all;
  }

  /** Resolves when nothing waits and nothing is in flight. */
  finished(): Promise<void> {
    if (!this.isBusy) return Promise.resolve();
    const done = this.allDone.wait();
    this.lanes.beginAll();
    return done;
  }

  settled(delivery: Delivery, outcome: Outcome, tookMs: number, version?: string): void {
    if (--this.inHand === 0) this.nothingInHand();
    this.keyed?.ended(delivery);
    if (leavesWorkerAlive(outcome)) {
      this.trial = false;
      this.suspicions.endedWell(delivery);
    }
    this.prefetch.count();
    this.owner.settled(delivery, outcome, tookMs, version);
  }

  /** D8. */
  inSlot(delivery: Delivery, isInSlot: boolean): void {
    this.deferrals += isInSlot ? -1 : 1;
    this.inHand += isInSlot ? 1 : -1;
    if (this.inHand === 0) this.nothingInHand();
    if (!isInSlot) this.keyed?.ended(delivery);
    this.owner.inSlot?.(delivery, isInSlot);
  }

  chunk(delivery: Delivery, data: Uint8Array): void {
    this.owner.chunk(delivery, data);
  }

  halved(count: number, outcome: Outcome): void {
    this.owner.halved(count, outcome);
  }

  progressed(): void {
    this.lastBusyMs = this.clock.monotonicMs();
    if (this.limits.prefetch) this.prefetch.sample(this.lastBusyMs);
    this.pump();
    this.owner.roomChanged();
    this.tellFinished();
    this.neighbours?.progressed(this);
  }

  ended(lane: WorkerPlace, left: LeftBehind): Death {
    const found = this.suspicions.death(left.culprits, left.suspects);
    const death: Death = left.endedBy === undefined ? found : { ...found, of: left.endedBy };
    this.lanes.gone(lane);
    if (this.share?.lane === lane) this.share = undefined;
    this.inHand -= left.innocent.length + left.suspects.length;
    if (this.inHand === 0) this.nothingInHand();
    for (const suspect of left.suspects) this.keyed?.ended(suspect);
    this.suspects.push(...left.suspects);
    if (death.of === "killer") this.othersTurn = this.limits.concurrency;
    this.queue.putBack(left.innocent);
    this.pump();
    if (this.queued > 0 && this.isDeserted && !this.isHeld) this.owner.wake();
    this.owner.roomChanged();
    this.tellFinished();
    this.neighbours?.progressed(this);
    return death;
  }

  private tellFinished(): void {
    if (this.allDone.isAwaited && !this.isBusy) this.allDone.tell();
  }

  private pump(): void {
    this.handOut();
    if (this.neighbours?.isAlone(this) === true && !this.wantsAlone) this.neighbours.doneAlone(this);
    if (this.allDone.isAwaited) this.lanes.beginAll(); // No more comes.
  }

  private handOut(): void {
    while (this.suspects.length > 0 && !this.isOthersTurn) {
      const lane = this.aloneLane(this.suspects[0]!);
      if (lane === undefined) return;
      this.alone = true;
      this.handOver(lane, this.suspects.shift()!);
      lane.begin?.();
    }
    while (this.queue.size > 0 && (this.keyed === undefined || this.hasPlace)) {
      const { first } = this.queue;
      const lane = first && this.freeLane(first);
      if (lane === undefined) return;
      if (this.othersTurn > 0) this.othersTurn--;
      this.handOver(lane, this.queue.shift()!);
    }
  }

  private nothingInHand(): void {
    this.alone = false;
    this.neighbours?.doneAlone(this);
  }

  private get wantsAlone(): boolean {
    return this.alone || (this.suspects.length > 0 && this.lanes.open.size > 0 && !this.isHeld && !this.isOthersTurn);
  }

  /** A key is asked for a turn only where it would be used (D9). */
  private get hasPlace(): boolean {
    return !this.isHeld && [...this.lanes.open].some(({ inFlight }) => inFlight < this.limits.concurrency);
  }

  private get isOthersTurn(): boolean {
    return this.othersTurn > 0 && this.queue.size > 0;
  }

  /** D3, D7: only when nothing else is in flight anywhere. */
  private aloneLane(delivery: Delivery): WorkerPlace | undefined {
    if (this.isHeld || this.inHand > 0) return undefined;
    for (const lane of this.lanes.open) {
      if (!this.isFor(lane, delivery)) continue;
      return this.hasNoTurn() || this.neighbours?.wantsAlone(this) === false ? undefined : lane;
    }
    return undefined;
  }

  /** D6. */
  private isFor(lane: WorkerPlace, delivery: Delivery): boolean {
    return this.share === undefined || this.share.takes(delivery) === (lane === this.share.lane);
  }

  private freeLane(delivery: Delivery): WorkerPlace | undefined {
    if (this.isHeld || this.alone || (this.suspects.length > 0 && !this.isOthersTurn)) return undefined;
    if (this.trial && this.inHand > 0) return undefined;
    if (this.neighbours?.mayHandOver(this) === false) return undefined;
    const window = this.limits.concurrency + (this.limits.prefetch ? this.prefetch.extra : 0);
    if (this.share !== undefined && this.inHand >= window) return undefined;
    let best: WorkerPlace | undefined;
    for (const lane of this.lanes.open) {
      if (!this.isFor(lane, delivery)) continue;
      if (this.limits.ordered && this.inHand > lane.inFlight) continue;
      if (lane.inFlight < window && (best === undefined || lane.inFlight < best.inFlight)) best = lane;
    }
    return best === undefined || this.hasNoTurn() ? undefined : best;
  }

  private handOver(lane: WorkerPlace, delivery: Delivery): void {
    const nowMs = this.turnMs();
    this.pace.take(nowMs);
    if (this.inHand++ === 0) this.prefetch.begin(nowMs);
    lane.handOver(delivery, nowMs);
  }

  /** As `TurnClock` has it. */
  turnMs(): number {
    return this.turn.nowMs();
  }
}
