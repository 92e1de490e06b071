// So many in so long, counted in one place for everybody (GCRA): what stands there is when the next turn is that nobody has. Pure.
//
// L1  A lot of turns begins now, or where the one before ends, whichever is later: what nobody wanted is not saved up.
// L2  Should the server's clock have been set back since that was written, it counts from what the clock was then.

import type { Rate } from "../metadata/handler-metadata.ts";

/** What stands there. */
export interface Mark {
  /** When the next turn is, by the server's clock. */
  readonly nextMs: number;
  /** When the server took it. */
  readonly writtenMs: number;
}

export interface Lot {
  readonly startMs: number;
  /** Of the turn after it: what has to stand there for it. */
  readonly nextMs: number;
}

export function lotAfter(mark: Mark | undefined, rate: Rate, turns: number, nowMs: number): Lot {
  const nextMs = mark === undefined ? nowMs : Math.min(mark.nextMs, nowMs + Math.max(0, mark.nextMs - mark.writtenMs));
  const startMs = Math.max(nextMs, nowMs);
  return { startMs, nextMs: startMs + (turns * rate.everyMs) / rate.count };
}
