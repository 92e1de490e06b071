// The place of a worker that takes messages in batches. What it is handed is gathered (gatherings.ts) and becomes a batch, which
// is run as a message is: in a lane, with a deadline, and with what follows when the worker dies (lane.ts). Each message ends by
// itself.
//
// B1  A batch begins when what is gathered is ready for it; at most `concurrency` run at a time.
// B2  A message that the worker has named ends as that says, the others end as their batch.
// B3  A batch that has failed as a whole charges nobody: its halves are run, before what has been gathered (halves.ts).
// B4  When the worker dies of a batch of several, all of them are suspects, which run alone (D3). What was gathered, and halves
//     that had not begun, are innocent.
// B5  A message that is cancelled ends so, and its batch with it: the others run again.
// B6  With keys as many may be in hand as `mostInHand` says. When they are, no message can come that a batch could wait for: the
//     fullest begins.

import type { Clock, Timer } from "../clock.ts";
import type { Delivery } from "../message/delivery.ts";
import type { Outcome, WorkerExit } from "../message/outcome.ts";
import type { AbortWhy, WorkerPort } from "../message/worker-port.ts";
import { Batch } from "./batch.ts";
import { Gatherings, type GatherRule } from "./gatherings.ts";
import { afterBatch } from "./halves.ts";
import { Lane, type LaneLimits } from "./lane.ts";
import type { Death } from "./suspicions.ts";
import type { LaneOwner, LeftBehind, Running, WorkerPlace } from "./worker-place.ts";

export interface BatchLimits extends LaneLimits, GatherRule {
  /** B6; undefined: what is in hand without keys fills all batches that may run. */
  readonly mostInHand?: number | undefined;
}

export interface BatchOwner extends LaneOwner {
  /** So many have failed together, and halves of them are tried. */
  halved(count: number, outcome: Outcome): void;
}

interface Waking {
  readonly atMs: number;
  readonly timer: Timer;
}

export class BatchLane implements WorkerPlace {
  private readonly lane: Lane<Batch>;
  private readonly limits: BatchLimits;
  private readonly owner: BatchOwner;
  private readonly clock: Clock;
  private readonly gathered: Gatherings;
  /** B3: what is to be run before anything that was gathered. */
  private parts: (readonly Delivery[])[] = [];
  private inHand = 0;
  private waking: Waking | undefined;
  private isGone = false;
  /** Of batches that the worker died of. */
  private suspects: Delivery[] = [];
  private emptied: (() => void)[] = [];

  constructor(worker: WorkerPort, limits: BatchLimits, owner: BatchOwner, clock: Clock) {
    this.limits = limits;
    this.owner = owner;
    this.clock = clock;
    this.gathered = new Gatherings(limits);
    const port = {
      deliver: (id: number, { members }: Batch) => worker.deliverBatch(id, members),
      abort: (id: number, why: AbortWhy) => worker.abort(id, why),
      whereBlocked: () => worker.whereBlocked(),
      terminate: (because?: string) => worker.terminate(because),
    };
    const batches: LaneOwner<Batch> = {
      settled: (batch, outcome, tookMs) => this.batchEnded(batch, outcome, tookMs),
      chunk: () => undefined, // Batches have no replies,
      inSlot: () => undefined, // and end with their function.
      progressed: () => this.progressed(),
      ended: (_, left) => this.workerEnded(left),
    };
    this.lane = new Lane(port, limits, batches, clock);
  }

  get inFlight(): number {
    return this.inHand;
  }

  get death(): Death | undefined {
    return this.lane.death;
  }

  handOver(delivery: Delivery, nowMs: number): void {
    this.inHand++;
    const dueAtMs = this.gathered.add(delivery, nowMs);
    this.beginBatches(nowMs);
    if (dueAtMs !== undefined && !this.gathered.isEmpty) this.wakeBy(dueAtMs, nowMs);
  }

  begin(): void {
    this.gathered.allDue();
    this.beginBatches(this.clock.monotonicMs());
  }

  takeBack(): Delivery[] {
    const back = [...this.parts.flat(), ...this.gathered.takeAll()];
    this.parts = [];
    this.inHand -= back.length;
    return back;
  }

  empty(): Promise<void> {
    this.begin();
    if (this.inHand === 0) return Promise.resolve();
    return new Promise((resolve) => this.emptied.push(resolve));
  }

  describeInFlight(): string[] {
    const waiting = [...this.parts.flat(), ...this.gathered.all].map(({ subject }) => subject);
    return [...this.lane.describeInFlight(), ...waiting];
  }

  running(): Running[] {
    const batches = this.lane.running();
    return batches.flatMap(({ delivery, sinceMs }) =>
      delivery.members.map((member) => ({ delivery: member, sinceMs })),
    );
  }

  /** B5. */
  cancel(isMeant: (delivery: Delivery) => boolean, by: string): Promise<void> | undefined {
    return this.lane.cancel((batch) => {
      const at = batch.members.findIndex(isMeant);
      if (at >= 0) batch.name(at, { kind: "cancelled", by, blocked: false });
      return at >= 0;
    }, by);
  }

  done(firstId: number, count: number): void {
    this.lane.done(firstId, count);
  }

  ended(id: number, outcome: Outcome): void {
    this.lane.ended(id, outcome);
  }

  /** B2. */
  named(id: number, at: number, outcome: Outcome): void {
    this.lane.at(id)?.name(at, outcome);
  }

  chunk(id: number, data: Uint8Array): void {
    this.lane.chunk(id, data);
  }

  /** Batches keep no order by keys. */
  held(): void {}
  begun(): void {}

  alive(): void {
    this.lane.alive();
  }

  exited(exit: WorkerExit): void {
    this.isGone = true;
    this.waking?.timer.cancel();
    this.lane.exited(exit);
    this.inHand = 0;
    this.tellIfEmpty();
  }

  /** B1. */
  private beginBatches(nowMs: number): void {
    while (this.lane.inFlight < this.limits.concurrency) {
      const part = this.parts.shift();
      const members = part ?? this.gathered.cut(nowMs) ?? this.cutUnready(nowMs);
      if (members === undefined) return;
      this.lane.handOver(new Batch(members, part !== undefined), nowMs);
    }
  }

  /** B6. */
  private cutUnready(nowMs: number): readonly Delivery[] | undefined {
    const { mostInHand = Number.POSITIVE_INFINITY } = this.limits;
    return this.inHand >= mostInHand ? this.gathered.cutFullest(nowMs) : undefined;
  }

  private wakeBy(atMs: number, nowMs: number): void {
    if (this.waking !== undefined && this.waking.atMs <= atMs) return;
    this.waking?.timer.cancel();
    this.waking = { atMs, timer: this.clock.after(Math.max(0, atMs - nowMs), () => this.wake()) };
  }

  private wake(): void {
    this.waking = undefined;
    const nowMs = this.clock.monotonicMs();
    const nextMs = this.gathered.passed(nowMs);
    this.beginBatches(nowMs);
    if (nextMs !== undefined) this.wakeBy(nextMs, nowMs);
  }

  /** B2 to B4. */
  private batchEnded(batch: Batch, outcome: Outcome, tookMs: number): void {
    if (this.isGone && batch.size > 1 && outcome.kind !== "cancelled") return void this.suspects.push(...batch.members);
    const { settled, again } = afterBatch(batch.members, batch.named, outcome);
    if (this.isGone) this.suspects.push(...again.flat());
    else this.parts.push(...again);
    for (const member of again.flat()) member.again = true;
    if (again.length > 0 && !batch.isPart && outcome.kind !== "cancelled") this.owner.halved(batch.size, outcome);
    this.inHand -= settled.length;
    for (const [member, own] of settled) this.owner.settled(member, own, tookMs);
  }

  private progressed(): void {
    this.beginBatches(this.clock.monotonicMs());
    this.owner.progressed();
    this.tellIfEmpty();
  }

  /** B4. */
  private workerEnded({ culprits, innocent, suspects, endedBy }: LeftBehind<Batch>): Death {
    const died = culprits.filter(({ size }) => size === 1);
    return this.owner.ended(this, {
      culprits: membersOf(died),
      innocent: [...membersOf(innocent), ...this.takeBack()],
      suspects: [...this.suspects, ...membersOf(suspects)],
      endedBy,
    });
  }

  private tellIfEmpty(): void {
    if (this.inHand > 0) return;
    for (const resolve of this.emptied.splice(0)) resolve();
  }
}

function membersOf(batches: readonly Batch[]): Delivery[] {
  return batches.flatMap(({ members }) => members);
}
