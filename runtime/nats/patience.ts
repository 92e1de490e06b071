// What is asked of NATS during a start is asked again while there is no answer *now*, whichever step asks, until a deadline.
//
// P1  A server that goes takes the leaders of JetStream and of streams with it. The others choose new ones in 4 to 9 seconds,
//     longer when a vote has no winner, and some put what is made meanwhile on the server that is away (2.9).
// P2  What one server of a cluster has made, or has seen made by another replica, the next one may know a moment later.
// P3  Whoever watches is told what is waited for, once it takes longer than a moment: a start that says nothing looks hung.
// P4  After the deadline, or once nobody waits any more, "not now" is told at once: who can try later does so by itself.

import { type Clock, delay } from "../clock.ts";
import { RuntimeError } from "../errors.ts";
import { ApiCode, isApiError, mayBeAnsweredLater } from "./jetstream-errors.ts";

/** P1: two elections, and some seconds for what is asked after them. */
export const ELECTIONS_MS = 30_000;
const ASK_AGAIN_MS = 250;
/** P3 */
const MOMENT_MS = 3_000;

/** What was answered, and for how many milliseconds more it is asked again. */
export type OnWait = (error: unknown, leftMs: number) => void;

export class Patience {
  private readonly clock: Clock;
  private readonly sinceMs: number;
  private readonly limitMs: number;
  private onWait: OnWait | undefined;
  private readonly ended = new AbortController();

  /** It lasts for `limitMs` milliseconds from now. `onWait` is called once (P3). */
  constructor(clock: Clock, limitMs: number, onWait?: OnWait) {
    this.clock = clock;
    this.sinceMs = clock.monotonicMs();
    this.limitMs = limitMs;
    this.onWait = onWait;
  }

  /** The step may be begun several times, never twice at once. Rejects as it does: with "not now" only when P4 holds. */
  async surely<T>(step: () => Promise<T>, isLater: (error: unknown) => boolean = isNotNow): Promise<T> {
    for (;;) {
      try {
        return await step();
      } catch (error) {
        if (!isLater(error) || this.isOver) throw error;
        this.tell(error);
        await delay(this.clock, ASK_AGAIN_MS, this.ended.signal);
      }
    }
  }

  /** Nobody waits any more. Twice is safe. */
  end(): void {
    this.ended.abort();
  }

  private tell(error: unknown): void {
    if (this.passedMs < MOMENT_MS) return;
    this.onWait?.(error, this.limitMs - this.passedMs);
    this.onWait = undefined;
  }

  private get isOver(): boolean {
    return this.ended.signal.aborted || this.passedMs >= this.limitMs;
  }

  private get passedMs(): number {
    return this.clock.monotonicMs() - this.sinceMs;
  }
}

/** The client's error, or one of ours that was made of it. */
export function isNotNow(error: unknown): boolean {
  return error instanceof RuntimeError ? error.code === "NATS_UNREACHABLE" : mayBeAnsweredLater(error);
}

/** P2: the same, of a stream that somebody has named. */
export function isNotYet(error: unknown): boolean {
  return isNotNow(error) || isApiError(error, ApiCode.streamNotFound);
}
