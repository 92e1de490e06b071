// The steps that change a slot, one after another. A reload that waits stands for all that come meanwhile, and whoever
// supersedes a version that is coming up takes over its place in the queue of those that do.

import type { Gate, Place } from "./concurrency-limit.ts";

export class SlotTurns {
  private readonly gate: Gate;
  private readonly onFault: (error: unknown) => void;
  private last: Promise<void> = Promise.resolve();
  private superseding = new AbortController();
  private waiting: Promise<void> | undefined;
  /** The reload that waits is to make a new generation also of an unchanged version. */
  private forced = false;
  private place: Place | undefined;

  /** @param onFault a step has rejected: a fault of ours */
  constructor(gate: Gate, onFault: (error: unknown) => void) {
    this.gate = gate;
    this.onFault = onFault;
  }

  /** Resolves when no step is running or waiting. Never rejects. */
  get settled(): Promise<void> {
    return this.last;
  }

  /** Run the step after those before it. Never rejects. */
  run(step: () => Promise<void>): Promise<void> {
    this.last = this.last.then(step).catch(this.onFault);
    return this.last;
  }

  /** As `run`, joined with a reload that waits already. What is coming up is cut short. */
  reload(dueSinceMs: number, force: boolean, step: (fresh: boolean) => Promise<void>): Promise<void> {
    this.placeSince(dueSinceMs);
    this.forced ||= force;
    this.supersede();
    this.waiting ??= this.run(() => {
      this.waiting = undefined;
      const fresh = this.forced;
      this.forced = false;
      return step(fresh);
    });
    return this.waiting;
  }

  /** What is coming up has become pointless. */
  supersede(): void {
    this.superseding.abort();
  }

  /** Something comes up: the signal says when it has become pointless. */
  begin(): AbortSignal {
    this.superseding = new AbortController();
    return this.superseding.signal;
  }

  /** Where a version waits for its turn to come up. */
  placeSince(dueSinceMs: number): Place {
    this.place ??= this.gate.queue(dueSinceMs);
    return this.place;
  }

  /**
   * A version came up, or did not, or was cut short: who cut it short keeps the place, unless that is the operator, and makes a new
   * generation where the one that was cut short would have.
   */
  over({ superseded, fresh }: { readonly superseded: boolean; readonly fresh: boolean }): void {
    if (!superseded || this.waiting === undefined) return this.leave();
    this.forced ||= fresh;
  }

  leave(): void {
    this.place?.leave();
    this.place = undefined;
  }
}
