// What one worker uses, looked at from outside: its memory has a limit, and a hog yields.

import type { Clock } from "../clock.ts";
import { processUsage } from "../process-usage.ts";
import { HogWatch } from "./hog-watch.ts";
import { residentLimitBytes } from "./limits.ts";
import { yieldToOthers } from "./priority.ts";

export class UsageWatch {
  private readonly pid: number;
  private readonly mostBytes: number;
  private readonly clock: Clock;
  private readonly hogs = new HogWatch();
  private yields = false;

  /** `memoryMiB`: the worker's heap limit. */
  constructor(pid: number, memoryMiB: number, clock: Clock) {
    this.pid = pid;
    this.mostBytes = residentLimitBytes(memoryMiB);
    this.clock = clock;
  }

  /** Whether it holds more memory than it may. */
  isOverMemory(): boolean {
    return (processUsage(this.pid)?.memoryBytes ?? 0) > this.mostBytes;
  }

  /** Make it yield, once, when it keeps a core to itself. `finished`: messages so far. */
  checkHog(finished: number): void {
    const usage = this.yields ? undefined : processUsage(this.pid);
    if (usage === undefined) return;
    const look = { atMs: this.clock.monotonicMs(), cpuSeconds: usage.cpuSeconds, finished };
    this.yields = this.hogs.isHog(look) && yieldToOthers(this.pid);
  }
}
