// What time it is on the NATS server. Stored messages carry its time, and replicas have to agree on when something is
// over: neither may depend on how well the clock of each machine is set.
//
// T1  The server's time is laid on the monotonic clock: a clock that is set meanwhile changes nothing.
// T2  Until the server has told its time, ours has to do.
// T3  The server told its time after it was asked and before we heard: each answer bounds it from both sides. One that does
//     not fit to those before says that a clock was set.

import { type Clock, delay } from "../clock.ts";

/** An answer that was on its way for longer says too little about when it was given. */
const LONGEST_TRIP_MS = 2_000;
/** Less is what networks and timekeeping leave. */
const NOTABLE_MS = 5_000;
/** The server's time is known better and better: a long wait is looked at again on the way. */
const LONGEST_WAIT_MS = 3_600_000;

export class ServerClock {
  private readonly clock: Clock;
  private readonly onSkew: (skewMs: number) => void;
  /** The server's time less our monotonic one. */
  private offsetMs: number | undefined;
  /** Between what and what `offsetMs` truly is. */
  private bounds: { readonly leastMs: number; readonly mostMs: number } | undefined;
  private told = false;

  /** `onSkew`: called once, when ours is `skewMs` milliseconds ahead of the server's (negative: behind), and that is more than some seconds. */
  constructor(clock: Clock, onSkew: (skewMs: number) => void = () => undefined) {
    this.clock = clock;
    this.onSkew = onSkew;
  }

  /** An answer said what time it is; undefined where this server does not say. `askedAtMs`: monotonic. */
  observe(time: string | undefined, askedAtMs: number): void {
    const serverMs = Date.parse(time ?? "");
    const nowMs = this.clock.monotonicMs();
    if (Number.isNaN(serverMs) || nowMs - askedAtMs > LONGEST_TRIP_MS) return;
    this.narrow(serverMs - nowMs, serverMs + 1 - askedAtMs);
    this.offsetMs = serverMs - (askedAtMs + nowMs) / 2;
    const skewMs = this.clock.nowMs() - this.nowMs();
    if (this.told || Math.abs(skewMs) < NOTABLE_MS) return;
    this.told = true;
    this.onSkew(skewMs);
  }

  /** The earliest that the server's clock can show now: for what must not happen too early. */
  earliestMs(): number {
    return this.bounds === undefined ? this.clock.nowMs() : this.bounds.leastMs + this.clock.monotonicMs();
  }

  /** The latest that the server's clock can show now. */
  latestMs(): number {
    return this.bounds === undefined ? this.clock.nowMs() : this.bounds.mostMs + this.clock.monotonicMs();
  }

  /** T3. */
  private narrow(leastMs: number, mostMs: number): void {
    const known = this.bounds;
    const agrees = known !== undefined && leastMs <= known.mostMs && mostMs >= known.leastMs;
    this.bounds = agrees
      ? { leastMs: Math.max(leastMs, known.leastMs), mostMs: Math.min(mostMs, known.mostMs) }
      : { leastMs, mostMs };
  }

  /** Milliseconds since the epoch, as the server counts them. */
  nowMs(): number {
    return this.offsetMs === undefined ? this.clock.nowMs() : this.offsetMs + this.clock.monotonicMs();
  }

  /** For how many milliseconds something is stored that carries this time of the server's. */
  ageMs(storedAtMs: number): number {
    return this.nowMs() - storedAtMs;
  }

  /** Resolves when the server's clock has surely reached that time, or in an hour: then it is to be asked for again. At once when `signal` aborts. */
  until(atMs: number, signal: AbortSignal): Promise<void> {
    const leftMs = Math.max(1, Math.ceil(atMs - this.earliestMs()));
    return delay(this.clock, Math.min(LONGEST_WAIT_MS, leftMs), signal);
  }
}
