// `ctx.defer`: a message that is settled after its function has returned.

import type { Duration } from "./duration.ts";

export interface DeferOptions {
  /** How long it may take from the function's return until it is settled: `"5m"`, from `"1s"` to `"24h"`. There is no default. */
  readonly lease: Duration;
}

/** A message that waits to be settled. What is called first counts; neither throws. */
export interface DeferredMessage {
  /**
   * It is handled: acknowledged once what it has published is confirmed. Returns whether this settles it: false when its lease has ended,
   * or it was settled before.
   */
  done(): boolean;
  /** As if the function had thrown `error` for it: `RetryLater`, `GiveUp` and `SlowDown` are heeded. Returns as `done` does. */
  fail(error: unknown): boolean;
}

export type Defer = (options: DeferOptions) => DeferredMessage;
