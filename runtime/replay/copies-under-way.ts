// How much of a replay is on its way: copies that are stored for the handler, and that it is not done with. A bound on it
// makes the replay as fast as the handler is beside its other messages, and lets little go on when it is stopped.

import { type Clock, delay } from "../clock.ts";

export interface WaysOptions {
  readonly clock: Clock;
  /** How many messages wait for the handler on that way now, dead letters that are sent again too. */
  readonly waiting: () => Promise<number>;
  /** Most of them. */
  readonly most: number;
  readonly signal: AbortSignal | undefined;
  /** Nothing was done with for a while; again after each further while. */
  readonly onStall: () => void;
}

const MOST_BYTES = 32 * 1024 ** 2;
const FIRST_LOOK_MS = 5;
const LONGEST_LOOK_MS = 200;
const STALL_MS = 5_000;

export class CopiesUnderWay {
  private readonly options: WaysOptions;
  /** Sizes of the copies, oldest first. */
  private sizes: number[] = [];
  private bytes = 0;
  /** Of others that go the same way. */
  private others = 0;

  constructor(options: WaysOptions) {
    this.options = options;
  }

  /** Whether one more has to wait. */
  isFull(bytes: number): boolean {
    const count = this.sizes.length + this.others;
    return count >= this.options.most || (count > 0 && this.bytes + bytes > MOST_BYTES);
  }

  add(bytes: number): void {
    this.sizes.push(bytes);
    this.bytes += bytes;
  }

  /** Resolves when there is room for one of so many bytes, or when stopped. All that were added must be stored. */
  async room(bytes: number): Promise<void> {
    const { clock, signal, waiting, onStall } = this.options;
    let lookMs = FIRST_LOOK_MS;
    let before = Number.POSITIVE_INFINITY;
    let movedAtMs = clock.monotonicMs();
    while (!signal?.aborted) {
      const now = await waiting();
      this.keepLast(now);
      if (!this.isFull(bytes)) return;
      const hasMoved = now < before;
      before = now;
      if (hasMoved) movedAtMs = clock.monotonicMs();
      else if (clock.monotonicMs() - movedAtMs >= STALL_MS) {
        onStall();
        movedAtMs = clock.monotonicMs();
      }
      lookMs = hasMoved ? FIRST_LOOK_MS : Math.min(LONGEST_LOOK_MS, lookMs * 2);
      await delay(clock, lookMs, signal);
    }
  }

  /** They are done with about in their order. */
  private keepLast(waiting: number): void {
    this.others = Math.max(0, waiting - this.sizes.length);
    this.sizes = waiting === 0 ? [] : this.sizes.slice(-waiting);
    this.bytes = this.sizes.reduce((sum, size) => sum + size, 0);
  }
}
