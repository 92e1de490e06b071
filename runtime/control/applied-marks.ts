// Which intents this replica acts by, and who waits to hear of it.
//
// A1  A mark counts as applied once its handler takes no more messages (or takes them again).

import { type Clock, within } from "../clock.ts";
import type { IntentMark } from "./intent.ts";

export class AppliedMarks {
  private readonly clock: Clock;
  private readonly marks = new Map<string, IntentMark>();
  private readonly waiting = new Set<() => void>();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  add(mark: IntentMark): void {
    const before = this.marks.get(mark.name);
    if (before?.bucket === mark.bucket && before.revision > mark.revision) return;
    this.marks.set(mark.name, mark);
    for (const wake of this.waiting) wake();
  }

  /** Names of the handlers that do not yet act by their mark, `waitMs` milliseconds from now at the latest. */
  async missing(wanted: readonly IntentMark[], waitMs: number): Promise<string[]> {
    const untilMs = this.clock.monotonicMs() + waitMs;
    for (;;) {
      const left = wanted.filter((mark) => !this.isApplied(mark)).map(({ name }) => name);
      const leftMs = untilMs - this.clock.monotonicMs();
      if (left.length === 0 || leftMs <= 0) return left;
      await within(this.clock, leftMs, this.next());
    }
  }

  private isApplied({ bucket, name, revision }: IntentMark): boolean {
    const mark = this.marks.get(name);
    return mark?.bucket === bucket && mark.revision >= revision;
  }

  private next(): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        this.waiting.delete(wake);
        resolve();
      };
      this.waiting.add(wake);
    });
  }
}
