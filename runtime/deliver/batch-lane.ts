// The place of a worker that takes messages in batches. What it is handed is gathered here and becomes a batch, which is run as
// a message is: in a lane, with a deadline, and with what follows when the worker dies (lane.ts). Each message ends by itself.
//
// B1  A batch begins when it is full, in number or in bytes; when its first message has waited for `waitMs` since it arrived;
//     or when it is known that no more will come. At most `concurrency` run at a time.
// B2  A message that the worker has named ends as that says, the others end as their batch.
// B3  A batch that has failed as a whole charges nobody: its halves are run, before what has been gathered (halves.ts).
// B4  When the worker dies of a batch of several, all of them are suspects, which run alone (D3). What was gathered, and halves
//     that had not begun, are innocent.
// B5  A message that is cancelled ends so, and its batch with it: the others run again.

import type { Clock, Timer } from "../clock.ts";
import type { Delivery } from "../message/delivery.ts";
import type { Outcome, WorkerExit } from "../message/outcome.ts";
import type { AbortWhy, WorkerPort } from "../message/worker-port.ts";
import { Batch } from "./batch.ts";
import { afterBatch } from "./halves.ts";
import { Lane, type LaneLimits } from "./lane.ts";
import type { Death } from "./suspicions.ts";
import type { LaneOwner, LeftBehind, Running, WorkerPlace } from "./worker-place.ts";

export interface BatchLimits extends LaneLimits {
  /** Most messages in one. */
  readonly size: number;
  /** Longest wait of a message for others to join it. */
  readonly waitMs: number;
}

export interface BatchOwner extends LaneOwner {
  /** So many have failed together, and halves of them are tried. */
  halved(count: number, outcome: Outcome): void;
}

/** The worker holds all of them decoded. */
const FULL_BYTES = 8 * 1024 * 1024;

export class BatchLane implements WorkerPlace {
  private readonly lane: Lane<Batch>;
  private readonly limits: BatchLimits;
  private readonly owner: BatchOwner;
  private readonly clock: Clock;
  private gathered: Delivery[] = [];
  private gatheredBytes = 0;
  /** So many of the gathered, from the front, wait for no others. */
  private due = 0;
  /** B3: what is to be run before anything that was gathered. */
  private parts: (readonly Delivery[])[] = [];
  private inHand = 0;
  private waiting: Timer | undefined;
  private isGone = false;
  /** Of batches that the worker died of. */
  private suspects: Delivery[] = [];
  private emptied: (() => void)[] = [];

  constructor(worker: WorkerPort, limits: BatchLimits, owner: BatchOwner, clock: Clock) {
    this.limits = limits;
    this.owner = owner;
    this.clock = clock;
    const port = {
      deliver: (id: number, { members }: Batch) => worker.deliverBatch(id, members),
      abort: (id: number, why: AbortWhy) => worker.abort(id, why),
      whereBlocked: () => worker.whereBlocked(),
      terminate: (because?: string) => worker.terminate(because),
    };
    const batches: LaneOwner<Batch> = {
      settled: (batch, outcome, tookMs) => this.batchEnded(batch, outcome, tookMs),
      chunk: () => undefined, // Batches have no replies.
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
    this.gathered.push(delivery);
    this.gatheredBytes += delivery.data.length;
    this.beginBatches(nowMs);
    if (this.gathered.length > 0) this.waiting ??= this.waitFor(this.dueInMs(nowMs));
  }

  begin(): void {
    this.due = this.gathered.length;
    this.beginBatches(this.clock.monotonicMs());
  }

  takeBack(): Delivery[] {
    const back = [...this.parts.flat(), ...this.gathered];
    this.parts = [];
    this.gathered = [];
    this.gatheredBytes = 0;
    this.due = 0;
    this.inHand -= back.length;
    return back;
  }

  empty(): Promise<void> {
    this.begin();
    if (this.inHand === 0) return Promise.resolve();
    return new Promise((resolve) => this.emptied.push(resolve));
  }

  describeInFlight(): string[] {
    const waiting = [...this.parts.flat(), ...this.gathered].map(({ subject }) => subject);
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
    this.waiting?.cancel();
    this.lane.exited(exit);
    this.inHand = 0;
    this.tellIfEmpty();
  }

  /** B1. */
  private beginBatches(nowMs: number): void {
    while (this.lane.inFlight < this.limits.concurrency) {
      const part = this.parts.shift();
      const members = part ?? this.cut();
      if (members === undefined) return;
      this.lane.handOver(new Batch(members, part !== undefined), nowMs);
    }
  }

  private cut(): readonly Delivery[] | undefined {
    const { size } = this.limits;
    const isFull = this.gathered.length >= size || this.gatheredBytes >= FULL_BYTES;
    if (!isFull && this.due === 0) return undefined;
    let bytes = 0;
    let count = 0;
    while (count < Math.min(size, this.gathered.length) && bytes < FULL_BYTES)
      bytes += this.gathered[count++]!.data.length;
    this.gatheredBytes -= bytes;
    this.due = Math.max(0, this.due - count);
    return this.gathered.splice(0, count);
  }

  /** What has waited before it came here is due at once; who hands it over may be about to hand over more. */
  private dueInMs(nowMs: number): number {
    const { arrivedAtMs = nowMs } = this.gathered[0]!;
    return Math.max(0, arrivedAtMs + this.limits.waitMs - nowMs);
  }

  private waitFor(inMs: number): Timer {
    return this.clock.after(inMs, () => {
      this.waiting = undefined;
      if (this.gathered.length === 0) return;
      const leftMs = this.dueInMs(this.clock.monotonicMs());
      if (leftMs === 0) this.begin();
      if (this.gathered.length > 0 && this.due === 0) this.waiting = this.waitFor(leftMs);
    });
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
  private workerEnded({ culprits, innocent, suspects, byOperator = false }: LeftBehind<Batch>): Death {
    const died = culprits.filter(({ size }) => size === 1);
    return this.owner.ended(this, {
      culprits: membersOf(died),
      innocent: [...membersOf(innocent), ...this.takeBack()],
      suspects: [...this.suspects, ...membersOf(suspects)],
      byOperator,
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
