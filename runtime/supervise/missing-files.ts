// Handlers whose file was not there at the last look, each with a grace of its own: editors save by moving a file away
// and back, and a checkout takes files away and brings them back one by one.

import type { Clock, Timer } from "../clock.ts";

export class MissingFiles {
  private readonly clock: Clock;
  private readonly graceMs: number;
  private readonly onDue: () => void;
  /** By handler, since when. */
  private readonly since = new Map<string, number>();
  private timer: Timer | undefined;

  /** @param onDue the grace of one is over: time to look again */
  constructor(clock: Clock, graceMs: number, onDue: () => void) {
    this.clock = clock;
    this.graceMs = graceMs;
    this.onDue = onDue;
  }

  /** These are missing now, and no others. */
  saw(missing: readonly string[]): void {
    const still = new Set(missing);
    for (const name of this.since.keys()) if (!still.has(name)) this.since.delete(name);
    for (const name of missing) if (!this.since.has(name)) this.since.set(name, this.clock.monotonicMs());
    this.arm();
  }

  has(name: string): boolean {
    return this.since.has(name);
  }

  /** Those that have been missing for as long as their grace. The others are looked at again. */
  gone(graceMs = this.graceMs): string[] {
    const nowMs = this.clock.monotonicMs();
    return [...this.since].filter(([, sinceMs]) => sinceMs + graceMs <= nowMs).map(([name]) => name);
  }

  forget(name: string): void {
    this.since.delete(name);
  }

  stop(): void {
    this.timer?.cancel();
  }

  private arm(): void {
    this.timer?.cancel();
    if (this.since.size === 0) return;
    const nowMs = this.clock.monotonicMs();
    const left = [...this.since.values()].map((sinceMs) => sinceMs + this.graceMs - nowMs);
    this.timer = this.clock.after(Math.min(...left.map((ms) => (ms > 0 ? ms : this.graceMs))), this.onDue);
  }
}
