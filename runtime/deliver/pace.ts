// When messages may begin of a handler that has a `rate`, or of which only a few are let through: each in its turn (D5 of the
// dispatcher). Without either it says nothing.

import { isDeepStrictEqual } from "node:util";
import type { Clock, Timer } from "../clock.ts";
import type { Rate } from "../metadata/handler-metadata.ts";
import type { CountedTurns } from "./counted-turns.ts";
import type { FleetTurns } from "./fleet-turns.ts";
import { TokenBucket } from "./token-bucket.ts";

export interface PaceOptions {
  readonly clock: Clock;
  /** How many wait for their turn here. */
  readonly waiting: () => number;
  /** The next may begin. */
  readonly onTurn: () => void;
}

/** What it keeps to; nothing where there is none. */
export interface Paces {
  /** In this replica. */
  readonly rate?: Rate | undefined;
  /** Of a rate over all replicas. */
  readonly fleet?: FleetTurns | undefined;
  readonly turns?: CountedTurns | undefined;
}

/** Long enough for messages to be on their way when their turn comes. */
const AHEAD_MS = 200;

export class Pace {
  private readonly options: PaceOptions;
  private bucket: TokenBucket | undefined;
  private fleet: FleetTurns | undefined;
  private turns: CountedTurns | undefined;
  private nextTurn: Timer | undefined;
  /** Nothing comes any more but what waits. */
  private isLast = false;

  constructor(options: PaceOptions) {
    this.options = options;
  }

  get isSet(): boolean {
    return this.bucket !== undefined || this.turns !== undefined || this.fleet !== undefined;
  }

  /** Keep to these from now on. Returns whether that is news. */
  follow({ rate, fleet, turns }: Paces): boolean {
    const isOther = turns !== this.turns || fleet !== this.fleet;
    this.turns = turns;
    if (fleet !== this.fleet) this.fleet?.stop();
    this.fleet = fleet;
    if (isDeepStrictEqual(rate, this.bucket?.rate)) return isOther;
    this.bucket = rate === undefined ? undefined : new TokenBucket(rate, this.options.clock.monotonicMs());
    this.nextTurn?.cancel();
    this.nextTurn = undefined;
    return true;
  }

  /** One wants to begin: true when it has to wait. */
  holdsBack(nowMs: number): boolean {
    return this.isTooEarly(nowMs) || this.turns?.mayBegin() === false || this.fleet?.mayBegin(nowMs) === false;
  }

  private isTooEarly(nowMs: number): boolean {
    return this.bucket !== undefined && this.bucket.waitMs(nowMs) > 0;
  }

  /** How many have their turn soon, and do not wait here yet. */
  soon(nowMs: number): number {
    const { bucket, turns, fleet } = this;
    const here = bucket?.within(nowMs, AHEAD_MS) ?? Number.POSITIVE_INFINITY;
    const inTime = Math.min(here, fleet?.most ?? here);
    return Math.max(0, Math.min(inTime, turns?.atMost ?? inTime) - this.options.waiting());
  }

  /** One begins; it must not have been held back. */
  take(nowMs: number): void {
    this.turns?.take();
    this.fleet?.take();
    if (this.bucket === undefined) return;
    this.bucket.take(nowMs);
    this.awaitTurn(this.bucket, nowMs);
  }

  /** What waits has its turns still. */
  noMore(): void {
    this.isLast = true;
    if (this.options.waiting() === 0) this.stop();
  }

  /** What waited was taken back. */
  nobodyWaits(): void {
    this.fleet?.stop();
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
    this.fleet?.stop();
    this.nextTurn?.cancel();
    this.nextTurn = undefined;
  }
}
