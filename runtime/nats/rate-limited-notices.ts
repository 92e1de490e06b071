// Notices at a bounded rate: the same trouble is told once a minute, with the number of times it came since.

import type { Clock } from "../clock.ts";
import type { Emit, LogLevel } from "../events.ts";

const WINDOW_MS = 60_000;
const KEYS_KEPT = 1_000;

export class RateLimitedNotices {
  private readonly emit: Emit;
  private readonly clock: Clock;
  private readonly told = new Map<string, { readonly atMs: number; again: number }>();

  constructor(emit: Emit, clock: Clock) {
    this.emit = emit;
    this.clock = clock;
  }

  /** @param key what the trouble is and whom it befalls; the text may differ from time to time */
  tell(key: string, level: LogLevel, message: string): void {
    const nowMs = this.clock.monotonicMs();
    const before = this.told.get(key);
    if (before !== undefined && nowMs - before.atMs < WINDOW_MS) {
      before.again++;
      return;
    }
    if (this.told.size >= KEYS_KEPT) this.told.clear();
    this.told.set(key, { atMs: nowMs, again: 0 });
    const again = before?.again ?? 0;
    this.emit({
      type: "runtime.notice",
      level,
      message: again === 0 ? message : `${message} (${again} more times since it was last told)`,
    });
  }
}
