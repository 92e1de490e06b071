// What is asked of NATS during a start is asked again while there is no answer *now*, whichever step asks, until a deadline.
//
// P1  A server that goes takes the leaders of JetStream and of streams with it. The others choose new ones in 4 to 9 seconds,
//     longer when a vote has no winner, and some put what is made meanwhile on the server that is away (2.9).
// P2  What one server of a cluster has made, or has seen made by another replica, the next one may know a moment later.
// P3  After the deadline, or once nobody waits any more, "not now" is told at once: who can try later does so by itself.

import { type Clock, delay } from "../clock.ts";
import { RuntimeError } from "../errors.ts";
import { ApiCode, isApiError, mayBeAnsweredLater } from "./jetstream-errors.ts";

/** P1: two elections, and some seconds for what is asked after them. */
export const ELECTIONS_MS = 30_000;
const ASK_AGAIN_MS = 250;

export class Patience {
  private readonly clock: Clock;
  private readonly untilMs: number;
  private readonly ended = new AbortController();

  /** It lasts for `limitMs` milliseconds from now. */
  constructor(clock: Clock, limitMs: number) {
    this.clock = clock;
    this.untilMs = clock.monotonicMs() + limitMs;
  }

  /** The step may be begun several times, never twice at once. Rejects as it does: with "not now" only when P3 holds. */
  async surely<T>(step: () => Promise<T>, isLater: (error: unknown) => boolean = isNotNow): Promise<T> {
    for (;;) {
      try {
        return await step();
      } catch (error) {
        if (!isLater(error) || this.isOver) throw error;
        await delay(this.clock, ASK_AGAIN_MS, this.ended.signal);
      }
    }
  }

  /** Nobody waits any more. Twice is safe. */
  end(): void {
    this.ended.abort();
  }

  private get isOver(): boolean {
    return this.ended.signal.aborted || this.clock.monotonicMs() >= this.untilMs;
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
