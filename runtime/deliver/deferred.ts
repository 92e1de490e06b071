// What a worker has deferred: its function has returned, its slot is free, and how it ends is said later (`ctx.defer`).
//
// F1  One timer serves all of them: that of the lease which ends next.
// F2  At the end of its lease, and when it is cancelled, it is settled at once: nobody waits for the worker, and no worker is killed for it.
//     Its number stays taken until the worker has said that it is done with it.

import type { Clock, Timer } from "../clock.ts";

interface Numbered {
  readonly id: number;
}

interface Lease {
  readonly leaseMs: number;
  readonly endsAtMs: number;
}

export class Deferred<Entry extends Numbered> {
  private readonly clock: Clock;
  private readonly onLeaseEnd: (entry: Entry, leaseMs: number) => void;
  private readonly leases = new Map<Entry, Lease>();
  /** F2: settled, and known to the worker still. */
  private readonly over = new Set<Entry>();
  private timer: Timer | undefined;

  constructor(clock: Clock, onLeaseEnd: (entry: Entry, leaseMs: number) => void) {
    this.clock = clock;
    this.onLeaseEnd = onLeaseEnd;
  }

  /** Those that are not settled. */
  get entries(): Entry[] {
    return [...this.leases.keys()];
  }

  /** How many numbers are taken, of those that are settled too. */
  get size(): number {
    return this.leases.size + this.over.size;
  }

  get settled(): number {
    return this.over.size;
  }

  add(entry: Entry, leaseMs: number): void {
    this.leases.set(entry, { leaseMs, endsAtMs: this.clock.monotonicMs() + leaseMs });
    this.arm();
  }

  /** F2: it is settled, and the worker has to hear of it. */
  end(entry: Entry): void {
    this.leases.delete(entry);
    this.over.add(entry);
    this.arm();
  }

  /** The worker has done with it. Returns whether it is still to be settled; undefined: it is none of these. */
  letGo(entry: Entry): boolean | undefined {
    if (this.over.delete(entry)) return false;
    if (!this.leases.delete(entry)) return undefined;
    this.arm();
    return true;
  }

  /** The worker is gone. */
  clear(): void {
    this.leases.clear();
    this.over.clear();
    this.arm();
  }

  /** F1. */
  private arm(): void {
    this.timer?.cancel();
    this.timer = undefined;
    let nextMs = Number.POSITIVE_INFINITY;
    for (const { endsAtMs } of this.leases.values()) nextMs = Math.min(nextMs, endsAtMs);
    if (nextMs === Number.POSITIVE_INFINITY) return;
    this.timer = this.clock.after(Math.max(0, nextMs - this.clock.monotonicMs()), () => this.endLeases());
  }

  private endLeases(): void {
    const nowMs = this.clock.monotonicMs();
    for (const [entry, { endsAtMs, leaseMs }] of [...this.leases]) {
      if (endsAtMs <= nowMs) this.onLeaseEnd(entry, leaseMs);
    }
    this.arm();
  }
}
