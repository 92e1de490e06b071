// Keeps what is in hand from being delivered again: each message gets its `working()` before the consumer's `ack_wait` is over.
//
// B1  A third of the ack wait, as somebody may have set it, and ten seconds at most.
// B2  An ack wait that is found lowered is followed at once, for everything in hand.
// B3  Where a flood is in hand (`fairBy`), its words go out little by little over half the time until the next beat, so that
//     nothing else waits for all of them, here or at the server.

import type { Clock, Timer } from "../clock.ts";
import type { StreamDelivery } from "./stream-delivery.ts";

const BEATS_PER_ACK_WAIT = 3;
const LEAST_EVERY_MS = 100;
const MOST_EVERY_MS = 10_000;
const LEAST_SLICE = 100;
const SLICE_MS = 10;
const NS_PER_MS = 1_000_000;

/** B1. @param ackWaitNs as the consumer's configuration has it; nothing or 0: the server's own */
export function beatMs(ackWaitNs: number | undefined): number {
  if (!ackWaitNs) return MOST_EVERY_MS;
  return Math.min(MOST_EVERY_MS, Math.max(LEAST_EVERY_MS, ackWaitNs / NS_PER_MS / BEATS_PER_ACK_WAIT));
}

/** Asked for anew at each beat. */
type InHand = () => { readonly size: number; values(): Iterator<StreamDelivery> };

export class AckBeat {
  /** What has come in this round needs no word yet: `StreamDelivery.round`. */
  round = 0;
  private readonly clock: Clock;
  private readonly inHand: InHand;
  private readonly working: (delivery: StreamDelivery) => void;
  private everyMs = MOST_EVERY_MS;
  private timer: Timer | undefined;
  /** B3. */
  private rest: Timer | undefined;

  constructor(clock: Clock, inHand: InHand, working: (delivery: StreamDelivery) => void) {
    this.clock = clock;
    this.inHand = inHand;
    this.working = working;
  }

  /** Calling twice is safe. */
  start(): void {
    this.timer ??= this.clock.every(this.everyMs, () => this.beat());
  }

  stop(): void {
    this.timer?.cancel();
    this.rest?.cancel();
    this.timer = undefined;
    this.rest = undefined;
  }

  /** The consumer is set up so now. */
  adopt({ ack_wait }: { readonly ack_wait?: number }): void {
    const everyMs = beatMs(ack_wait);
    if (everyMs === this.everyMs) return;
    const isLower = everyMs < this.everyMs;
    this.everyMs = everyMs;
    if (this.timer === undefined) return;
    this.stop();
    this.start();
    if (!isLower) return;
    this.round++; // B2
    this.beat();
  }

  private beat(): void {
    const inHand = this.inHand();
    const slice = Math.max(LEAST_SLICE, Math.ceil((inHand.size * 2 * SLICE_MS) / this.everyMs));
    // Whoever is so late goes on before the next begins.
    if (this.rest === undefined) this.tell(inHand.values(), slice, this.round);
    this.round++;
  }

  /** What is settled meanwhile is not met any more, and what comes meanwhile is of this round. */
  private tell(left: Iterator<StreamDelivery>, slice: number, round: number): void {
    this.rest = undefined;
    for (let sent = 0; sent < slice; ) {
      const { value, done } = left.next();
      if (done === true) return;
      if (value.round >= round) continue;
      this.working(value);
      sent++;
    }
    this.rest = this.clock.after(SLICE_MS, () => this.tell(left, slice, round));
  }
}
