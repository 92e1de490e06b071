// Tells the worker that keeps a core to itself and gets nothing done: a loop, a heap being filled, timers run wild. On a
// machine without cores to spare its neighbours wait for it, so it is made to yield (priority.ts) long before its
// message's timeout. A worker that is busy because there is much to do finishes messages, and is none.
//
// Measured on two cores: beside a loop, a neighbour's p99 is 1.7 times the quiet one, and 1.3 times once the loop yields.

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

export class HogWatch {
  private last: HogLook | undefined;

  /** Whether it was one since the last look. */
  isHog(look: HogLook): boolean {
    const { last } = this;
    this.last = look;
    if (last === undefined || look.finished !== last.finished) return false;
    return (look.cpuSeconds - last.cpuSeconds) * 1_000 > HOG_SHARE * (look.atMs - last.atMs);
  }
}
