// Notices when a version's workers have handled as much, or lived as long, as the handler's `recycle` allows.

import type { Clock, Timer } from "../clock.ts";
import type { HandlerStats } from "../deliver/handler-stats.ts";
import type { Generation } from "./generation.ts";

const LOOK_MS = 1_000;

export class RecycleWatch {
  private readonly clock: Clock;
  private readonly stats: HandlerStats;
  private timer: Timer | undefined;

  constructor(clock: Clock, stats: HandlerStats) {
    this.clock = clock;
    this.stats = stats;
  }

  /** Watch this version from now on; call back once when it is due. */
  watch({ metadata }: Generation, onDue: () => void): void {
    this.stop();
    const { messages, ageMs } = metadata.recycle;
    if (messages === 0 && ageMs === 0) return;
    const untilMs = ageMs === 0 ? Number.POSITIVE_INFINITY : this.clock.monotonicMs() + ageMs;
    const untilCount = messages === 0 ? Number.POSITIVE_INFINITY : this.count() + messages;
    this.timer = this.clock.every(LOOK_MS, () => {
      if (this.clock.monotonicMs() < untilMs && this.count() < untilCount) return;
      this.stop();
      onDue();
    });
  }

  stop(): void {
    this.timer?.cancel();
  }

  private count(): number {
    return this.stats.handled + this.stats.failed;
  }
}
