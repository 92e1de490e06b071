// W2: what chokidar tells after the operating system has told it is an echo. To wait for it would delay every save, and to
// count it would build some twice. It is known by the time of the change, however late it comes.

import type { Clock } from "../clock.ts";

/** On a busy machine chokidar comes so late. What it tells later still counts twice. */
const KEPT_MS = 10_000;

export class Echoes {
  private readonly clock: Clock;
  private readonly heardAtMs = new Map<string, number>();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** The operating system has told of a change to that path. */
  heard(path: string): void {
    this.heardAtMs.set(path, this.clock.nowMs());
  }

  /** @param changedAtMs when the file that chokidar tells of changed last; undefined: it does not say */
  isEcho(path: string, changedAtMs: number | undefined): boolean {
    const heardAtMs = this.heardAtMs.get(path);
    // Files tell parts of a millisecond, and the clock does not. A later change within the same one is told by the system as well.
    return heardAtMs !== undefined && changedAtMs !== undefined && Math.floor(changedAtMs) <= heardAtMs;
  }

  forgetOld(): void {
    const nowMs = this.clock.nowMs();
    for (const [path, atMs] of this.heardAtMs) if (nowMs - atMs >= KEPT_MS) this.heardAtMs.delete(path);
  }
}
