// What one worker has in flight. Deliveries run in the order they were handed over, at most `concurrency` at a time, so
// the supervisor knows which have started without being told, and one timer per worker serves every deadline.
//
// L1  The clock of a delivery runs from its start, not from its hand-over: waiting behind others is not its fault.
// L2  At the deadline the signal aborts; `killGraceMs` later a worker that still holds the delivery is killed.
// L3  A worker killed over one delivery charges only that one; the others go back to the queue.
// L4  What a worker has in flight that is ended from outside goes back to the queue, uncharged.
// L5  When it cannot be known which delivery ended or blocked the worker, all in flight are suspects.
// L6  What the worker holds back behind another of its key has no clock, and no part in how the worker ends.
// L7  What an operator cancels is aborted as at its deadline, and ends as cancelled, whatever it does then. A worker that
//     will not let go of it is killed, which charges that one alone.
// L8  What is deferred has left its slot and its timeout for a lease (deferred.ts). Unless it was alone, the end of its worker
//     charges it nothing: it goes back to the queue.

import type { Clock, Timer } from "../clock.ts";
import type { Delivery } from "../message/delivery.ts";
import { type Outcome, PAST_CANCEL, PAST_TIMEOUT, RETURNED, type WorkerExit } from "../message/outcome.ts";
import { blame } from "./blame.ts";
import { Deferred } from "./deferred.ts";
import { EntryTable } from "./entry-table.ts";
import type { Death } from "./suspicions.ts";
import type { Handed, LaneOwner, LanePort, LeftBehind, Running, WorkerPlace } from "./worker-place.ts";

export interface LaneLimits {
  readonly concurrency: number;
  readonly timeoutMs: number;
  readonly killGraceMs: number;
}

interface Cancel {
  readonly by: string;
  readonly ended: PromiseWithResolvers<void>;
}

interface Entry<T> {
  readonly id: number;
  readonly delivery: T;
  startedAtMs: number;
  /** NOT_YET until its deadline has passed. */
  abortedAtMs: number;
  previous: Entry<T> | undefined;
  next: Entry<T> | undefined;
}

const NOT_STARTED = -1;
const NOT_YET = -1;

function isRunning({ startedAtMs }: Pick<Entry<unknown>, "startedAtMs">): boolean {
  return startedAtMs !== NOT_STARTED && startedAtMs !== HELD;
}

function runningOf<T>({ delivery, startedAtMs }: Entry<T>): Running<T> {
  return { delivery, sinceMs: startedAtMs };
}

function isLate({ abortedAtMs }: Pick<Entry<unknown>, "abortedAtMs">): boolean {
  return abortedAtMs !== NOT_YET;
}

/** Started as far as slots go, and held back by the worker (L6). */
const HELD = Number.POSITIVE_INFINITY;
/** A loop that turns answers well within this. */
const PROBE_AFTER_MS = 100;

export class Lane<T extends Handed = Delivery> implements WorkerPlace<T> {
  readonly worker: LanePort<T>;
  /** What the worker died of; undefined while it lives. */
  death: Death | undefined;
  private readonly limits: LaneLimits;
  private readonly owner: LaneOwner<T>;
  private readonly clock: Clock;
  private readonly entries = new EntryTable<Entry<T>>();
  private head: Entry<T> | undefined;
  private tail: Entry<T> | undefined;
  private nextToStart: Entry<T> | undefined;
  private started = 0;
  private nextId = 0;
  private deadline: Timer | undefined;
  private kill: Timer | undefined;
  private probe: Timer | undefined;
  private answered = false;
  /** Some have begun later than those handed over after them. */
  private hasLateStarts = false;
  private blockedAt: string | undefined;
  private emptied: (() => void) | undefined;
  private readonly cancels = new Map<Entry<T>, Cancel>();
  private readonly later: Deferred<Entry<T>>;

  constructor(worker: LanePort<T>, limits: LaneLimits, owner: LaneOwner<T>, clock: Clock) {
    this.worker = worker;
    this.limits = limits;
    this.owner = owner;
    this.clock = clock;
    this.later = new Deferred(clock, (entry, timeoutMs) =>
      this.endDeferred(entry, { kind: "timed-out", timeoutMs, blocked: false, deferred: true }),
    );
  }

  get inFlight(): number {
    return this.entries.size - this.later.size;
  }

  /** What is in flight under that number. */
  at(id: number): T | undefined {
    return this.entries.get(id)?.delivery;
  }

  handOver(delivery: T, nowMs: number): void {
    const id = this.entries.freeId(this.nextId);
    this.nextId = (id + 1) >>> 0;
    const entry: Entry<T> = {
      id,
      delivery,
      startedAtMs: NOT_STARTED,
      abortedAtMs: NOT_YET,
      previous: this.tail,
      next: undefined,
    };
    if (this.tail === undefined) this.head = entry;
    else this.tail.next = entry;
    this.tail = entry;
    this.nextToStart ??= entry;
    this.entries.add(entry);
    this.worker.deliver(id, delivery);
    this.startNext(nowMs);
  }

  /** Resolves when nothing is in flight any more, or the worker is gone. */
  empty(): Promise<void> {
    if (this.isEmpty) return Promise.resolve();
    return new Promise((resolve) => {
      const before = this.emptied;
      this.emptied = () => {
        before?.();
        resolve();
      };
    });
  }

  /** Subjects in flight, for the report of a drain that did not end. */
  describeInFlight(): string[] {
    return [...this.inOrder(), ...this.later.entries].map(({ delivery }) => delivery.subject);
  }

  /** Oldest first. */
  running(): Running<T>[] {
    const running = this.inOrder().filter(isRunning).map(runningOf);
    return [...this.later.entries.map((entry) => ({ ...runningOf(entry), isDeferred: true as const })), ...running];
  }

  /** L7. Undefined when none runs that is meant. Resolves when it has ended. */
  cancel(isMeant: (delivery: T) => boolean, by: string): Promise<void> | undefined {
    const deferred = this.later.entries.find(({ delivery }) => isMeant(delivery));
    if (deferred !== undefined) {
      this.endDeferred(deferred, { kind: "cancelled", by, blocked: false });
      return Promise.resolve();
    }
    const entry = this.inOrder().find((one) => isRunning(one) && isMeant(one.delivery));
    if (entry === undefined) return undefined;
    const before = this.cancels.get(entry);
    if (before !== undefined) return before.ended.promise;
    const ended = Promise.withResolvers<void>();
    this.cancels.set(entry, { by, ended });
    if (!isLate(entry)) this.abort(entry, this.clock.monotonicMs());
    return ended.promise;
  }

  done(firstId: number, count: number): void {
    if (count > this.entries.size) throw new RangeError(`${count} deliveries done of ${this.entries.size} in hand`);
    const nowMs = this.clock.monotonicMs();
    for (let at = 0; at < count; at++) this.finish((firstId + at) >>> 0, RETURNED, nowMs);
    this.afterProgress(nowMs);
  }

  ended(id: number, outcome: Outcome): void {
    const nowMs = this.clock.monotonicMs();
    this.finish(id, outcome, nowMs);
    this.afterProgress(nowMs);
  }

  chunk(id: number, data: Uint8Array): void {
    const entry = this.entries.get(id);
    if (entry !== undefined && !isLate(entry)) this.owner.chunk(entry.delivery, data);
  }

  held(id: number): void {
    const entry = this.entries.get(id);
    if (entry !== undefined && !isLate(entry)) entry.startedAtMs = HELD;
  }

  begun(id: number): void {
    const entry = this.entries.get(id);
    if (entry?.startedAtMs !== HELD) return;
    entry.startedAtMs = this.clock.monotonicMs();
    this.hasLateStarts = true;
    if (this.deadline === undefined) this.armDeadline(this.limits.timeoutMs);
  }

  /** L8. One that is late has ended, or its worker is about to. */
  deferred(id: number, leaseMs: number): void {
    const entry = this.entries.get(id);
    if (entry === undefined || isLate(entry)) return;
    this.unlink(entry);
    this.later.add(entry, leaseMs);
    this.owner.inSlot(entry.delivery, false);
    this.afterProgress(this.clock.monotonicMs());
  }

  private endDeferred(entry: Entry<T>, outcome: Outcome): void {
    this.later.end(entry);
    this.worker.abort(entry.id, outcome.kind === "cancelled" ? "cancelled" : "timeout");
    const nowMs = this.clock.monotonicMs();
    this.owner.inSlot(entry.delivery, true);
    this.settle(entry, outcome, nowMs);
    this.afterProgress(nowMs);
  }

  alive(): void {
    this.answered = true;
  }

  exited(exit: WorkerExit): void {
    this.deadline?.cancel();
    this.kill?.cancel();
    this.probe?.cancel();
    const deferred = new Set(this.later.entries);
    for (const { delivery } of deferred) this.owner.inSlot(delivery, true);
    const left = [...this.inOrder(), ...deferred];
    for (const { delivery } of left) delivery.again = true;
    this.entries.clear();
    this.later.clear();
    this.head = this.tail = this.nextToStart = undefined;
    this.death = this.owner.ended(this, this.judge(left, deferred, exit));
    this.emptied?.();
    this.emptied = undefined;
  }

  /** L3 to L8: settle those whose part in the end is known, and sort the rest. */
  private judge(all: readonly Entry<T>[], deferred: ReadonlySet<Entry<T>>, exit: WorkerExit): LeftBehind<T> {
    const { ended, left } = blame(all, {
      exit,
      isBlocked: all.some(isLate) && !this.answered,
      isLate,
      isCancelled: (entry) => this.cancels.has(entry),
      isHeld: (entry) => entry.startedAtMs === HELD || (deferred.has(entry) && all.length > 1),
      outcomeOf: (entry, isBlocked) => this.tooLate(entry, isBlocked),
    });
    const nowMs = this.clock.monotonicMs();
    for (const { entry, outcome } of ended) this.settle(entry, outcome, nowMs);
    return left;
  }

  private finish(id: number, outcome: Outcome, nowMs: number): void {
    const entry = this.entries.get(id);
    if (entry === undefined) return; // Already settled: a delivery ends once.
    this.entries.delete(entry);
    const isOpen = this.later.size === 0 ? undefined : this.later.letGo(entry);
    if (isOpen === false) return;
    if (isOpen === true) this.owner.inSlot(entry.delivery, true);
    else this.unlink(entry);
    this.settle(entry, isLate(entry) ? this.tooLate(entry, false) : outcome, nowMs);
  }

  private settle(entry: Entry<T>, outcome: Outcome, nowMs: number): void {
    const tookMs = entry.startedAtMs === NOT_STARTED ? 0 : Math.max(0, nowMs - entry.startedAtMs);
    this.owner.settled(entry.delivery, outcome, tookMs);
    if (this.cancels.size === 0) return;
    this.cancels.get(entry)?.ended.resolve();
    this.cancels.delete(entry);
  }

  /** Nothing is to be settled any more. */
  private get isEmpty(): boolean {
    return this.entries.size === this.later.settled;
  }

  private tooLate(entry: Entry<T>, blocked: boolean): Outcome {
    const stack = blocked && this.blockedAt !== undefined ? { stack: this.blockedAt } : {};
    const cancel = this.cancels.get(entry);
    if (cancel !== undefined) return { kind: "cancelled", by: cancel.by, blocked, ...stack };
    return { kind: "timed-out", timeoutMs: this.limits.timeoutMs, blocked, ...stack };
  }

  private inOrder(): Entry<T>[] {
    const all: Entry<T>[] = [];
    for (let entry = this.head; entry !== undefined; entry = entry.next) all.push(entry);
    return all;
  }

  private unlink(entry: Entry<T>): void {
    if (entry.previous === undefined) this.head = entry.next;
    else entry.previous.next = entry.next;
    if (entry.next === undefined) this.tail = entry.previous;
    else entry.next.previous = entry.previous;
    if (entry.startedAtMs !== NOT_STARTED) this.started--;
    else if (this.nextToStart === entry) this.nextToStart = entry.next;
    // One that the collector has already moved to the old space would keep all that follow it alive.
    entry.previous = undefined;
    entry.next = undefined;
  }

  private startNext(nowMs: number): void {
    while (this.nextToStart !== undefined && this.started < this.limits.concurrency) {
      this.nextToStart.startedAtMs = nowMs;
      this.started++;
      this.nextToStart = this.nextToStart.next;
    }
    if (this.deadline === undefined && this.head !== undefined) this.armDeadline(this.limits.timeoutMs);
  }

  private afterProgress(nowMs: number): void {
    this.startNext(nowMs);
    this.owner.progressed();
    if (!this.isEmpty) return;
    this.emptied?.();
    this.emptied = undefined;
  }

  private armDeadline(inMs: number): void {
    this.deadline = this.clock.after(inMs, () => {
      this.deadline = undefined;
      this.checkDeadlines();
    });
  }

  /** Entries are in the order of their start, unless some were held back: so the first one that is in time ends the search. */
  private checkDeadlines(): void {
    const nowMs = this.clock.monotonicMs();
    let leastMs = Number.POSITIVE_INFINITY;
    for (let entry = this.head; entry !== undefined && entry.startedAtMs !== NOT_STARTED; entry = entry.next) {
      const leftMs = entry.startedAtMs + this.limits.timeoutMs - nowMs;
      if (leftMs > 0) leastMs = Math.min(leastMs, leftMs);
      else if (!isLate(entry)) this.abort(entry, nowMs);
      if (leastMs < Number.POSITIVE_INFINITY && !this.hasLateStarts) break;
    }
    if (leastMs < Number.POSITIVE_INFINITY) this.armDeadline(leastMs);
  }

  private abort(entry: Entry<T>, nowMs: number): void {
    entry.abortedAtMs = nowMs;
    this.answered = false;
    this.worker.abort(entry.id, this.cancels.has(entry) ? "cancelled" : "timeout");
    this.probe ??= this.clock.after(Math.min(PROBE_AFTER_MS, this.limits.killGraceMs / 4), () => {
      this.probe = undefined;
      if (!this.answered) this.worker.whereBlocked().then((stack) => (this.blockedAt = stack));
    });
    if (this.kill === undefined) this.armKill(this.limits.killGraceMs);
  }

  private armKill(inMs: number): void {
    this.kill = this.clock.after(inMs, () => {
      this.kill = undefined;
      const oldest = this.inOrder().find(isLate);
      if (oldest === undefined) return;
      const leftMs = oldest.abortedAtMs + this.limits.killGraceMs - this.clock.monotonicMs();
      if (leftMs > 0) this.armKill(leftMs);
      else this.worker.terminate(this.cancels.has(oldest) ? PAST_CANCEL : PAST_TIMEOUT);
    });
  }
}
