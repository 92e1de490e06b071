// What to do after a handler's worker died or would not come up. Pure: the caller keeps the history.
//
// Failures fade: one counts half after HALF_LIFE_MS. A single crash restarts at once; crashes that follow each other
// wait twice as long each time, and at QUARANTINE_WEIGHT the handler is set aside until a cool-down has passed.

import type { ErrorCode } from "../errors.ts";

export interface FailureHistory {
  /** Faded count of failures as it was at `atMs`. */
  readonly weight: number;
  readonly atMs: number;
  /** Quarantines in a row: each cools down twice as long. */
  readonly quarantines: number;
}

export type RestartDecision =
  | { readonly do: "restart"; readonly afterMs: number }
  | { readonly do: "quarantine"; readonly coolDownMs: number };

export const NO_FAILURES: FailureHistory = { weight: 0, atMs: 0, quarantines: 0 };

const HALF_LIFE_MS = 60_000;
/** To start a worker takes a fifth to a quarter of a second of a core, which its neighbours go without. */
const FIRST_DELAY_MS = 500;
/** Six that follow each other: one message that kills at all its five attempts is not enough. Or one every 15 seconds. */
const QUARANTINE_WEIGHT = 5.5;
/** Below this the past is forgiven. */
const CALM_WEIGHT = 0.5;
const FIRST_COOL_DOWN_MS = 60_000;
const LONGEST_COOL_DOWN_MS = 15 * 60_000;

const PASSING: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "HANDLER_LOAD_FAILED",
  "HANDLER_SETUP_FAILED",
  "HANDLER_LOAD_TIMED_OUT",
  "WORKER_CRASHED",
  "NATS_UNREACHABLE",
]);

/** Whether a version that did not come up for this reason may do so another time, with no file changed. */
export function mayComeUpLater(code: ErrorCode): boolean {
  return PASSING.has(code);
}

export function addFailure(history: FailureHistory, nowMs: number): FailureHistory {
  const faded = history.weight * 0.5 ** (Math.max(0, nowMs - history.atMs) / HALF_LIFE_MS);
  const calm = faded < CALM_WEIGHT;
  return { weight: faded + 1, atMs: nowMs, quarantines: calm ? 0 : history.quarantines };
}

export function decideRestart(history: FailureHistory): RestartDecision {
  if (history.weight > QUARANTINE_WEIGHT || history.quarantines > 0) {
    const coolDownMs = Math.min(FIRST_COOL_DOWN_MS * 2 ** history.quarantines, LONGEST_COOL_DOWN_MS);
    return { do: "quarantine", coolDownMs };
  }
  const before = Math.floor(history.weight - 0.5);
  return { do: "restart", afterMs: before < 1 ? 0 : FIRST_DELAY_MS * 2 ** (before - 1) };
}

/** The handler was set aside; one failure during its trial sets it aside again, for longer. Nothing fades meanwhile. */
export function quarantined(history: FailureHistory, coolDownMs: number): FailureHistory {
  return { ...history, atMs: history.atMs + coolDownMs, quarantines: history.quarantines + 1 };
}
