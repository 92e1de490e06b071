// When the messages that this replica has put off for long are due again: what only wait may use up what the consumer
// lets be unacknowledged.

/** Shorter waits hold nothing up for long. */
const LEAST_MS = 5_000;
const PRUNE_AFTER = 10_000;
const MOST = 100_000;

export class WaitingRetries {
  private dueAtMs: number[] = [];
  private added = 0;

  add(delayMs: number, nowMs: number): void {
    if (delayMs < LEAST_MS || this.dueAtMs.length >= MOST) return;
    if (++this.added % PRUNE_AFTER === 0) this.prune(nowMs);
    this.dueAtMs.push(nowMs + delayMs);
  }

  /** Milliseconds since the epoch; undefined when none waits. */
  nextAtMs(nowMs: number): number | undefined {
    this.prune(nowMs);
    return this.dueAtMs.length === 0 ? undefined : this.dueAtMs.reduce((least, atMs) => Math.min(least, atMs));
  }

  private prune(nowMs: number): void {
    this.dueAtMs = this.dueAtMs.filter((atMs) => atMs > nowMs);
  }
}
