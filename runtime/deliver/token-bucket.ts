// How many messages may begin at a time, and when the next one may: so many in so long, evenly. Pure; the time is the caller's.
//
// T1  What may begin comes up evenly. What was not used is kept for KEPT_MS only, or as one message: so no burst follows a pause,
//     and a process that was late makes good for it.

import type { Rate } from "../metadata/handler-metadata.ts";

const KEPT_MS = 20;
/** What adding fractions up may lose. */
const TINY = 1e-9;

export class TokenBucket {
  readonly rate: Rate;
  private readonly perMs: number;
  private readonly most: number;
  private tokens: number;
  private atMs: number;

  constructor(rate: Rate, nowMs: number) {
    this.rate = rate;
    this.perMs = rate.count / rate.everyMs;
    // Timers count whole milliseconds: what comes up in the last one is not lost.
    this.most = Math.max(1, this.perMs * KEPT_MS) + this.perMs;
    this.tokens = 1;
    this.atMs = nowMs;
  }

  /** How many may begin until `spanMs` milliseconds from now. */
  within(nowMs: number, spanMs: number): number {
    return Math.floor(this.at(nowMs) + this.perMs * spanMs + TINY);
  }

  /** Until the next may begin, in whole milliseconds; 0: now. */
  waitMs(nowMs: number): number {
    const missing = 1 - TINY - this.at(nowMs);
    return missing <= 0 ? 0 : Math.max(1, Math.ceil(missing / this.perMs));
  }

  /** One begins: `waitMs` must have been 0. */
  take(nowMs: number): void {
    this.tokens = this.at(nowMs) - 1;
    this.atMs = nowMs;
  }

  /** T1 */
  private at(nowMs: number): number {
    return Math.min(this.most, this.tokens + Math.max(0, nowMs - this.atMs) * this.perMs);
  }
}
