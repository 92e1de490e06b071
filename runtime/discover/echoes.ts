// W2: what chokidar tells right after the operating system has told it is an echo. To wait for it would delay every save,
// and to count it would build some twice.

import type { Clock } from "../clock.ts";

/** Chokidar looks at a file before it tells of it. */
const ECHO_MS = 50;

export class Echoes {
  private readonly clock: Clock;
  private readonly heardAtMs = new Map<string, number>();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** The operating system has told of a change to that path. */
  heard(path: string): void {
    this.heardAtMs.set(path, this.clock.monotonicMs());
  }

  isEcho(path: string): boolean {
    return this.clock.monotonicMs() - (this.heardAtMs.get(path) ?? Number.NEGATIVE_INFINITY) < ECHO_MS;
  }

  forgetOld(): void {
    const nowMs = this.clock.monotonicMs();
    for (const [path, atMs] of this.heardAtMs) if (nowMs - atMs >= ECHO_MS) this.heardAtMs.delete(path);
  }
}
