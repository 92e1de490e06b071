// Which keys may have a message begin now: each has its own turns, and so many at a time.
//
// G1  With a rate each key has it for itself, in this replica or over all of them.
// G2  With a cap at most so many messages of a key run at a time in this replica.
// G3  What is known of a key is forgotten when it makes no difference any more.

import type { Clock } from "../clock.ts";
import type { RateRule } from "../metadata/handler-metadata.ts";
import type { FleetTurns } from "./fleet-turns.ts";
import { TokenBucket } from "./token-bucket.ts";

export interface KeyGateOptions {
  readonly rate?: RateRule | undefined;
  /** For a rate over all replicas; undefined: there are no others. `waiting`: how many of the key wait for their turn here. */
  readonly fleetTurns?: ((key: string, waiting: () => number, onTurn: () => void) => FleetTurns) | undefined;
  /** Undefined: as many as there is room for. */
  readonly most?: number | undefined;
  readonly clock: Clock;
  readonly waiting: (key: string) => number;
  /** One of the key may begin, which could not before. */
  readonly onOpen: (key: string) => void;
}

/** Told by `onOpen`. */
const WHEN_TOLD = Number.POSITIVE_INFINITY;
const SWEEP_FROM = 1_024;

export class KeyGate {
  private readonly options: KeyGateOptions;
  private readonly running = new Map<string, number>();
  private readonly buckets = new Map<string, TokenBucket>();
  private readonly fleet = new Map<string, FleetTurns>();
  private sweepAt = SWEEP_FROM;

  constructor(options: KeyGateOptions) {
    this.options = options;
  }

  /** Of how many keys something is known. */
  get known(): number {
    return this.buckets.size + this.fleet.size;
  }

  /** Milliseconds until one of the key may begin; 0: now; without end: `onOpen` says when. */
  waitMs(key: string, nowMs: number): number {
    const { rate, most, fleetTurns } = this.options;
    if (most !== undefined && (this.running.get(key) ?? 0) >= most) return WHEN_TOLD;
    if (rate === undefined) return 0;
    if (rate.per === "fleet" && fleetTurns !== undefined) return this.turnsOf(key).mayBegin(nowMs) ? 0 : WHEN_TOLD;
    return this.buckets.get(key)?.waitMs(nowMs) ?? 0;
  }

  /** One of the key begins: `waitMs` was 0. */
  take(key: string, nowMs: number): void {
    const { rate, fleetTurns } = this.options;
    this.running.set(key, (this.running.get(key) ?? 0) + 1);
    if (rate === undefined) return;
    if (rate.per === "fleet" && fleetTurns !== undefined) return this.turnsOf(key).take();
    let bucket = this.buckets.get(key);
    if (bucket === undefined) {
      this.sweep(nowMs);
      bucket = new TokenBucket(rate, nowMs);
      this.buckets.set(key, bucket);
    }
    bucket.take(nowMs);
  }

  /** One of the key has ended, or did not begin after all. */
  ended(key: string): void {
    const left = (this.running.get(key) ?? 1) - 1;
    if (left > 0) this.running.set(key, left);
    else this.running.delete(key);
    if (this.options.most !== undefined) this.options.onOpen(key);
  }

  /** Nothing waits any more. */
  nobodyWaits(): void {
    for (const turns of this.fleet.values()) turns.stop();
  }

  private turnsOf(key: string): FleetTurns {
    const known = this.fleet.get(key);
    if (known !== undefined) return known;
    const { waiting, onOpen, fleetTurns, clock } = this.options;
    this.sweep(clock.monotonicMs());
    const turns = fleetTurns!(
      key,
      () => waiting(key),
      () => onOpen(key),
    );
    this.fleet.set(key, turns);
    return turns;
  }

  /** G3. */
  private sweep(nowMs: number): void {
    if (this.known < this.sweepAt) return;
    for (const [key, bucket] of this.buckets) if (bucket.waitMs(nowMs) === 0) this.buckets.delete(key);
    for (const [key, turns] of this.fleet) {
      if (turns.isIdle && this.options.waiting(key) === 0) this.fleet.delete(key);
    }
    this.sweepAt = Math.max(SWEEP_FROM, 2 * this.known);
  }
}
