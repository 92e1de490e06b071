// One save is several file events within a millisecond or two: gather them and report once.
import type { Clock, Timer } from "../clock.ts";

export interface Burst {
  add(path: string): void;
  /** Drop what was gathered and never report again. */
  cancel(): void;
}

export interface BurstOptions {
  readonly clock: Clock;
  /** Report when this long has passed without a further path. */
  readonly quietMs: number;
  /** Report at the latest this long after the first path, however busy it is. */
  readonly longestMs: number;
  readonly onBurst: (paths: Set<string>) => void;
}

export function gatherBursts({ clock, quietMs, longestMs, onBurst }: BurstOptions): Burst {
  let paths = new Set<string>();
  let startedMs = 0;
  let timer: Timer | undefined;

  function report() {
    const gathered = paths;
    paths = new Set();
    onBurst(gathered);
  }

  return {
    add(path) {
      const nowMs = clock.monotonicMs();
      if (paths.size === 0) startedMs = nowMs;
      paths.add(path);
      timer?.cancel();
      timer = clock.after(Math.max(0, Math.min(quietMs, startedMs + longestMs - nowMs)), report);
    },
    cancel() {
      timer?.cancel();
      paths = new Set();
    },
  };
}
