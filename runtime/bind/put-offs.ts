// Messages whose handler could not publish because NATS was away, full or out of order: they are run again here, after a
// while, without an attempt being charged. The outage is not theirs.
//
// U1  They stay in hand: nothing is asked of a server that may not answer, and `working()` keeps them from coming elsewhere.
// U2  Many hold no slot while they wait, so that others are handled; when there are more, the rest hold theirs, and the
//     handler is fed no more.
// U3  One message is put off for an hour; from then on its failures count.
// U4  When the handler is unbound they go back at once, uncharged.

import type { Clock, Timer } from "../clock.ts";
import type { StreamDelivery } from "./stream-delivery.ts";

export interface PutOffOptions {
  readonly clock: Clock;
  /** Take it as if it had just arrived. */
  readonly again: (delivery: StreamDelivery) => void;
  readonly giveBack: (delivery: StreamDelivery) => void;
  /** There is room, while something that was in a slot waits on. */
  readonly onRoom: () => void;
}

interface Waiting {
  readonly timer: Timer;
  readonly inSlot: boolean;
}

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 30_000;
const LONGEST_MS = 3_600_000;
const MOST_WITHOUT_SLOT = 256;

export class PutOffs {
  private readonly options: PutOffOptions;
  private readonly waiting = new Map<StreamDelivery, Waiting>();
  private isStopped = false;
  /** Of those that wait, how many hold no slot. */
  withoutSlot = 0;

  constructor(options: PutOffOptions) {
    this.options = options;
  }

  /** Of those that wait, how many hold a slot. */
  get inSlots(): number {
    return this.waiting.size - this.withoutSlot;
  }

  /** Returns after how many milliseconds it is run again, or what is to be done with it instead (U3, U4). */
  add(delivery: StreamDelivery): number | "charge" | "give-back" {
    if (this.isStopped) return "give-back";
    const { clock, onRoom } = this.options;
    const nowMs = clock.monotonicMs();
    const { sinceMs, times } = delivery.putOff ?? { sinceMs: nowMs, times: 0 };
    if (nowMs - sinceMs >= LONGEST_MS) return "charge";
    delivery.putOff = { sinceMs, times: times + 1 };
    const waitMs = Math.min(FIRST_WAIT_MS * 2 ** times, LONGEST_WAIT_MS);
    const inSlot = this.withoutSlot >= MOST_WITHOUT_SLOT;
    this.waiting.set(delivery, { timer: clock.after(waitMs, () => this.end(delivery, this.options.again)), inSlot });
    if (!inSlot) {
      this.withoutSlot++;
      onRoom();
    }
    return waitMs;
  }

  /** U4. */
  stop(): void {
    this.isStopped = true;
    for (const delivery of [...this.waiting.keys()]) this.end(delivery, this.options.giveBack);
  }

  private end(delivery: StreamDelivery, next: (delivery: StreamDelivery) => void): void {
    const found = this.waiting.get(delivery);
    if (found === undefined) return;
    found.timer.cancel();
    this.waiting.delete(delivery);
    if (!found.inSlot) this.withoutSlot--;
    delivery.settled = false;
    delivery.again = true;
    next(delivery);
  }
}
