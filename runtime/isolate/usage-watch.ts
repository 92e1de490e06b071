// What one worker uses, looked at from outside: its memory has a limit, a hog yields, and so does one on probation.

import type { Clock } from "../clock.ts";
import { processUsage } from "../process-usage.ts";
import { HogWatch } from "./hog-watch.ts";
import { residentLimitBytes } from "./limits.ts";
import { catchUp, letOthersGoFirst, yieldToOthers } from "./priority.ts";

export class UsageWatch {
  private readonly pid: number;
  private readonly mostBytes: number;
  private readonly clock: Clock;
  private readonly hogs = new HogWatch();
  private yields = false;
  private isOnProbation = false;

  /** `memoryMiB`: the worker's heap limit. */
  constructor(pid: number, memoryMiB: number, clock: Clock) {
    this.pid = pid;
    this.mostBytes = residentLimitBytes(memoryMiB);
    this.clock = clock;
  }

  /** Whether it holds more memory than it may, together with `othersBytes` of the processes it has started. */
  isOverMemory(othersBytes: number): boolean {
    return (processUsage(this.pid)?.memoryBytes ?? 0) + othersBytes > this.mostBytes;
  }

  /** Until it has finished a message it lets others go first. */
  putOnProbation(): void {
    this.isOnProbation = true;
    letOthersGoFirst(this.pid);
  }

  /** Make it yield, once, when it keeps a core to itself. `finished`: messages so far. */
  checkHog(finished: number): void {
    if (this.yields) return;
    if (this.isOnProbation && finished > 0) this.isOnProbation = !catchUp(this.pid);
    const usage = processUsage(this.pid);
    if (usage === undefined) return;
    const look = { atMs: this.clock.monotonicMs(), cpuSeconds: usage.cpuSeconds, finished };
    this.yields = this.hogs.isHog(look) && yieldToOthers(this.pid);
  }
}
