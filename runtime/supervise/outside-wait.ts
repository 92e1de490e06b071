// A version did not come up for want of something outside of its file: NATS, or a stream. Waits until another try is
// worth it. For a stream it is looked again and again, without a process, ever less often.

import type { Binder } from "../bind/binder.ts";
import type { Clock, Timer } from "../clock.ts";
import type { ErrorCode } from "../errors.ts";
import type { ResolvedMetadata } from "../metadata/handler-metadata.ts";
import { whatItLacks } from "./restart-policy.ts";

const FIRST_LOOK_MS = 1_000;
const LONGEST_LOOK_MS = 15_000;

export interface Lacking {
  readonly handler: string;
  readonly code: ErrorCode;
  /** What the version says it takes; undefined: it did not get so far. */
  readonly metadata: ResolvedMetadata | undefined;
}

export class OutsideWait {
  private readonly binder: Binder;
  private readonly clock: Clock;
  private looks = 0;
  private timer: Timer | undefined;
  /** Of the latest wait: what an earlier one finds out is of no use any more. */
  private round = 0;

  constructor(binder: Binder, clock: Clock) {
    this.binder = binder;
    this.clock = clock;
  }

  /** Calls back once when it is worth another try; never, when nothing outside is lacking. Takes the place of an earlier wait. */
  wait(lacking: Lacking, again: () => void): void {
    this.timer?.cancel();
    const round = ++this.round;
    const done = () => {
      if (this.round === round) again();
    };
    const lacks = whatItLacks(lacking.code);
    if (lacks === "nats") void this.binder.worthRetrying().then(done);
    if (lacks === "stream") this.lookLater(lacking, round, done);
  }

  /** No try any more; the next wait begins with short ones. */
  stop(): void {
    this.timer?.cancel();
    this.round++;
    this.looks = 0;
  }

  private lookLater(lacking: Lacking, round: number, done: () => void): void {
    const waitMs = Math.min(FIRST_LOOK_MS * 2 ** this.looks++, LONGEST_LOOK_MS);
    this.timer = this.clock.after(waitMs, () => void this.look(lacking, round, done));
  }

  private async look(lacking: Lacking, round: number, done: () => void): Promise<void> {
    const { handler, metadata } = lacking;
    const isThere = metadata === undefined || (await this.canBePlanned(handler, metadata));
    if (isThere) done();
    else if (this.round === round) this.lookLater(lacking, round, done);
  }

  private canBePlanned(handler: string, metadata: ResolvedMetadata): Promise<boolean> {
    return this.binder.plan(handler, metadata).then(
      () => true,
      () => false, // As was told when the version did not come up.
    );
  }
}
