// The time, read once for all that happens in one turn of the event loop: what arrives in one chunk arrives together.

import type { Clock } from "../clock.ts";

export class TurnClock {
  private readonly clock: Pick<Clock, "monotonicMs">;
  private readMs: number | undefined;

  constructor(clock: Pick<Clock, "monotonicMs">) {
    this.clock = clock;
  }

  nowMs(): number {
    if (this.readMs === undefined) {
      this.readMs = this.clock.monotonicMs();
      queueMicrotask(() => {
        this.readMs = undefined;
      });
    }
    return this.readMs;
  }
}
