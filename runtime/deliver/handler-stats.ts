// What one handler has done so far, in plain counters: cheap enough to count every message. Whoever wants to know reads
// them; nothing is computed before.

import { type OutcomeKind, PAST_CANCEL, PAST_TIMEOUT, type WorkerExit } from "../message/outcome.ts";
import { DurationHistogram, percentileMs } from "./duration-histogram.ts";

export { percentileMs } from "./duration-histogram.ts";

export type RestartReason = "crashed" | "out-of-memory" | "timed-out" | "cancelled";

export class HandlerStats {
  readonly outcomes: Record<OutcomeKind, number> = {
    returned: 0,
    filtered: 0,
    threw: 0,
    "gave-up": 0,
    "retry-later": 0,
    "slow-down": 0,
    invalid: 0,
    "not-serializable": 0,
    "timed-out": 0,
    cancelled: 0,
    crashed: 0,
    "out-of-memory": 0,
    "too-many-hops": 0,
    "queue-full": 0,
    "given-back": 0,
  };
  /** Of deliveries that ran, from their start to their end. */
  readonly durations = new DurationHistogram();
  /** Of deliveries that ran, from their arrival to their start. */
  readonly waits = new DurationHistogram();
  /** Workers that ended unasked, by why. */
  readonly lostWorkers: Record<RestartReason, number> = {
    crashed: 0,
    "out-of-memory": 0,
    "timed-out": 0,
    cancelled: 0,
  };
  redeliveries = 0;
  /** Dead letters that were stored. */
  deadLetters = 0;
  /** Of its schedule, in this replica. */
  readonly plannedTimes = { met: 0, "passed-over": 0 };
  reloads = 0;
  restarts = 0;
  /** How often an idle handler was woken, and how long its messages waited for that. */
  coldStarts = 0;
  coldStartMs = 0;
  /** What the last delivery that did not return ended with; empty before the first. */
  lastError = "";

  /** A delivery has ended. `tookMs` and `waitedMs` count only when it ran. */
  count(outcome: OutcomeKind, attempt: number, tookMs: number, waitedMs: number): void {
    this.outcomes[outcome]++;
    if (attempt > 1) this.redeliveries++;
    if (outcome !== "returned" && !hasRun(outcome)) return;
    this.durations.add(tookMs);
    this.waits.add(waitedMs);
  }

  workerLost({ outOfMemory, killedBecause }: WorkerExit): void {
    const killed = killedBecause === PAST_CANCEL ? "cancelled" : "crashed";
    const ended = killedBecause === PAST_TIMEOUT ? "timed-out" : killed;
    this.lostWorkers[outOfMemory ? "out-of-memory" : ended]++;
  }

  /** An idle handler has a process again, `tookMs` milliseconds after it was wanted. */
  wokenAfter(tookMs: number): void {
    this.coldStarts++;
    this.coldStartMs += tookMs;
  }

  get handled(): number {
    return this.outcomes.returned;
  }

  get filtered(): number {
    return this.outcomes.filtered;
  }

  get failed(): number {
    const { returned, filtered, "slow-down": _slowed, ...failures } = this.outcomes;
    return Object.values(failures).reduce((sum, count) => sum + count, 0);
  }

  percentileMs(share: number): number {
    return percentileMs([...this.durations.counts], share);
  }
}

function hasRun(outcome: OutcomeKind): boolean {
  return outcome !== "filtered" && outcome !== "queue-full" && outcome !== "given-back" && outcome !== "too-many-hops";
}
