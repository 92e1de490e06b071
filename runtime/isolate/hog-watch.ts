// Tells the worker that keeps a core to itself and gets little done: a loop, a heap being filled, timers run wild, or long
// computations. On a machine without cores to spare its neighbours wait for it, so it is made to yield (priority.ts), long
// before its message's timeout. A worker that is busy because there is much to do finishes messages, and is none.

/** What a look finds. */
export interface HogLook {
  readonly atMs: number;
  /** Since the process started. */
  readonly cpuSeconds: number;
  /** Messages the worker has finished so far. */
  readonly finished: number;
}

/** Of a core. */
const HOG_SHARE = 0.8;
/** CPU time for each message from which on a worker gets little done. */
const LONG_MESSAGE_MS = 5;

export class HogWatch {
  private last: HogLook | undefined;

  /** Whether it was one since the last look. */
  isHog(look: HogLook): boolean {
    const { last } = this;
    this.last = look;
    if (last === undefined) return false;
    const usedMs = (look.cpuSeconds - last.cpuSeconds) * 1_000;
    return usedMs > HOG_SHARE * (look.atMs - last.atMs) && usedMs > LONG_MESSAGE_MS * (look.finished - last.finished);
  }
}
