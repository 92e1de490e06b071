// How a replay leaves time to newer messages where no rate is asked for: it rests twice as long as it works, a part of that before
// each copy. What it costs the server and the handler's replicas leaves them two thirds of the time, and a newer message waits
// for one copy instead of for all that are sent at once.

import { type Clock, delay } from "../clock.ts";

const PER_WORK = 2;
/** Of all copies of a turn. A handler that takes longer for them is busy with them meanwhile. */
const LONGEST_MS = 50;

export class Rests {
  private readonly clock: Clock;
  private readonly signal: AbortSignal | undefined;
  private beganAtMs: number;
  private copies = 0;
  /** Since the turn began. */
  private restedMs = 0;
  /** Before each copy of this turn. */
  private eachMs = 0;

  constructor(clock: Clock, signal: AbortSignal | undefined) {
    this.clock = clock;
    this.signal = signal;
    this.beganAtMs = clock.monotonicMs();
  }

  /** More may be sent: the next copies rest by what the ones before have taken. */
  turn(): void {
    const nowMs = this.clock.monotonicMs();
    const workedMs = nowMs - this.beganAtMs - this.restedMs;
    this.eachMs = Math.min(PER_WORK * workedMs, LONGEST_MS) / Math.max(1, this.copies);
    this.beganAtMs = nowMs;
    this.copies = 0;
    this.restedMs = 0;
  }

  /** Resolves when a copy may be sent, or when stopped. */
  async before(): Promise<void> {
    this.copies++;
    if (this.eachMs === 0) return;
    const atMs = this.clock.monotonicMs();
    await delay(this.clock, this.eachMs, this.signal);
    this.restedMs += this.clock.monotonicMs() - atMs;
  }
}
