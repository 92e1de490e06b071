// How often a handler has failed lately, and the timer for its next try.

import type { Clock, Timer } from "../clock.ts";
import { type Death, NOBODYS_DEATH } from "../deliver/suspicions.ts";
import {
  addFailure,
  decideRestart,
  type FailureHistory,
  NO_FAILURES,
  quarantined,
  type RestartDecision,
} from "./restart-policy.ts";

const FIRST_RETRY_MS = 1_000;

export class Recovery {
  private readonly clock: Clock;
  private failures: FailureHistory = NO_FAILURES;
  private timer: Timer | undefined;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** It has been set aside, and has not yet shown that it is well. */
  get onTrial(): boolean {
    return this.failures.onTrial;
  }

  /** One more failure: what is to be done? */
  failed(death: Death): RestartDecision {
    this.failures = addFailure(this.failures, this.clock.monotonicMs(), death);
    const decision = decideRestart(this.failures, death);
    if (decision.do === "quarantine") this.failures = quarantined(this.failures, decision.coolDownMs);
    return decision;
  }

  /** A version did not come up, and it is its own doing: milliseconds until it is tried again. */
  notComeUp(): number {
    const decision = this.failed(NOBODYS_DEATH);
    return decision.do === "restart" ? Math.max(decision.afterMs, FIRST_RETRY_MS) : decision.coolDownMs;
  }

  /** Try again after `waitMs` milliseconds: at once, in this very turn, for 0. A later call takes the place of an earlier one. */
  tryAfter(waitMs: number, again: () => void): void {
    this.stop();
    if (waitMs === 0) again();
    else this.timer = this.clock.after(waitMs, again);
  }

  /** No try any more. */
  stop(): void {
    this.timer?.cancel();
  }

  /** A new version, or an operator's command: past failures no longer count. */
  startAfresh(): void {
    this.stop();
    this.failures = NO_FAILURES;
  }
}
