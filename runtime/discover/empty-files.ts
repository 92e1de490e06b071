// W3: a file that is empty may have been truncated just now. It is put back and looked at again, until it has content or its
// time is over.

import type { Clock } from "../clock.ts";
import { isEmptyFile } from "./file-stats.ts";

const GRACE_MS = 10;
const LOOK_AGAIN_MS = 2;

export class EmptyFiles {
  private readonly clock: Clock;
  private readonly lookAgain: (path: string) => void;
  private readonly sinceMs = new Map<string, number>();

  constructor(clock: Clock, lookAgain: (path: string) => void) {
    this.clock = clock;
    this.lookAgain = lookAgain;
  }

  /** Whether the path is not to be reported yet: it is looked at again soon. */
  holdBack(path: string): boolean {
    const nowMs = this.clock.monotonicMs();
    const sinceMs = this.sinceMs.get(path) ?? nowMs;
    if (nowMs - sinceMs >= GRACE_MS || !isEmptyFile(path)) {
      this.sinceMs.delete(path);
      return false;
    }
    this.sinceMs.set(path, sinceMs);
    this.clock.after(LOOK_AGAIN_MS, () => this.lookAgain(path));
    return true;
  }
}
