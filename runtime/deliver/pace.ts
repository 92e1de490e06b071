// When messages may begin of a handler that has a `rate`: each in its turn (D5 of the dispatcher). Without one it says nothing.

import { isDeepStrictEqual } from "node:util";
import type { Clock, Timer } from "../clock.ts";
import type { Rate } from "../metadata/handler-metadata.ts";
import { TokenBucket } from "./token-bucket.ts";

export interface PaceOptions {
  readonly clock: Clock;
  /** How many wait for their turn here. */
  readonly waiting: () => number;
  /** The next may begin. */
  readonly onTurn: () => void;
}

/** Long enough for messages to be on their way when their turn comes. */
const AHEAD_MS = 200;

export class Pace {
  private readonly options: PaceOptions;
  private bucket: TokenBucket | undefined;
  private nextTurn: Timer | undefined;
  /** Nothing comes any more but what waits. */
  private isLast = false;

  constructor(options: PaceOptions) {
    this.options = options;
  }

  get isSet(): boolean {
    return this.bucket !== undefined;
  }

  /** Keep to that rate from now on; undefined: to none. Returns whether that is news. */
  follow(rate: Rate | undefined): boolean {
    if (isDeepStrictEqual(rate, this.bucket?.rate)) return false;
    this.bucket = rate === undefined ? undefined : new TokenBucket(rate, this.options.clock.monotonicMs());
    this.stop();
    return true;
  }

  isTooEarly(nowMs: number): boolean {
    return this.bucket !== undefined && this.bucket.waitMs(nowMs) > 0;
  }

  /** How many have their turn soon, and do not wait here yet. */
  soon(nowMs: number): number {
    if (this.bucket === undefined) return Number.POSITIVE_INFINITY;
    return Math.max(0, this.bucket.within(nowMs, AHEAD_MS) - this.options.waiting());
  }

  /** One begins; it must not have been too early. */
  take(nowMs: number): void {
    if (this.bucket === undefined) return;
    this.bucket.take(nowMs);
    this.awaitTurn(this.bucket, nowMs);
  }

  /** What waits has its turns still. */
  noMore(): void {
    this.isLast = true;
    if (this.options.waiting() === 0) this.stop();
  }

  private awaitTurn(bucket: TokenBucket, nowMs: number): void {
    const { clock, waiting, onTurn } = this.options;
    const waitMs = bucket.waitMs(nowMs);
    if (waitMs === 0 || (this.isLast && waiting() === 0)) return;
    this.nextTurn ??= clock.after(waitMs, () => {
      this.nextTurn = undefined;
      const thenMs = clock.monotonicMs();
      // Timers may be early by a part of a millisecond.
      if (this.isTooEarly(thenMs)) this.awaitTurn(bucket, thenMs);
      else onTurn();
    });
  }

  private stop(): void {
    this.nextTurn?.cancel();
    this.nextTurn = undefined;
  }
}
