// What to do after a handler's worker died or would not come up. Pure: the caller keeps the history.
//
// Failures fade: one counts half after HALF_LIFE_MS. A single crash restarts at once; crashes that follow each other
// wait twice as long each time, and at QUARANTINE_WEIGHT the handler is set aside until a cool-down has passed.
//
// | the worker died                                          | counts against | then                                  |
// | of a message that is known to kill                       | the message    | restart, after a fifth of a second    |
// | of a message, and others ended well since the last death | the message    | restart, after a fifth of a second    |
// | of a message, and nothing has ended well                 | the handler    | restart, ever later; then quarantine  |
// | of one of several, and it is not known which             | the handler    | the same, taken back once it is known |
// | with nothing in flight, or did not come up               | the handler    | the same                              |
// | as an operator cancelled a message                       | nobody         | restart at once                       |
// | through another of its group, or it is not known whose   | nobody         | restart at once                       |
// | on trial, and it counts against the handler              | the handler    | quarantine, for twice as long         |
// | on trial, after something has ended well                 | as above       | half of what came before is forgiven  |

import type { Death } from "../deliver/suspicions.ts";
import type { ErrorCode } from "../errors.ts";

export interface FailureHistory {
  /** Faded count of failures as it was at `atMs`. */
  readonly weight: number;
  readonly atMs: number;
  /** Quarantines in a row: each cools down twice as long. */
  readonly quarantines: number;
  /** It was set aside, and has not yet shown that it is well. */
  readonly onTrial: boolean;
}

export type RestartDecision =
  | { readonly do: "restart"; readonly afterMs: number }
  | { readonly do: "quarantine"; readonly coolDownMs: number };

export const NO_FAILURES: FailureHistory = { weight: 0, atMs: 0, quarantines: 0, onTrial: false };

const HALF_LIFE_MS = 60_000;
/** To start a worker takes a fifth to a quarter of a second of a core, which its neighbours go without. */
const FIRST_DELAY_MS = 500;
/** After deaths that count against a message; the first one restarts at once. */
const MESSAGES_DELAY_MS = 200;
/** Six that follow each other, or one every 15 seconds. */
const QUARANTINE_WEIGHT = 5.5;
/** What deaths that count against a message make of the weight at most: they slow the restarts, and no more. */
const MESSAGES_WEIGHT = 1.9;
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

/** An administrator makes, widens or allows it. */
const STREAM_TROUBLE: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "STREAM_MISSING",
  "STREAM_REFUSED",
  "CONSUMER_REFUSED",
  "NATS_REFUSED",
]);

/** Whether a version that did not come up for this reason may do so another time, with no file changed. */
export function mayComeUpLater(code: ErrorCode): boolean {
  return PASSING.has(code);
}

/** What a version lacks that is not its own: it may come up, with no file changed, once that is there. */
export function whatItLacks(code: ErrorCode): "nats" | "stream" | undefined {
  if (code === "NATS_UNREACHABLE") return "nats";
  return STREAM_TROUBLE.has(code) ? "stream" : undefined;
}

export function addFailure(history: FailureHistory, nowMs: number, death: Death): FailureHistory {
  if (isNotOurs(death)) return history;
  const faded = history.weight * 0.5 ** (Math.max(0, nowMs - history.atMs) / HALF_LIFE_MS);
  const calm = faded < CALM_WEIGHT;
  const passed = history.onTrial && death.wellBefore;
  const before = Math.max(0, (passed ? Math.min(faded, QUARANTINE_WEIGHT / 2) : faded) - (death.explains ? 1 : 0));
  return {
    weight: isTheMessages(death) ? Math.max(before, Math.min(before + 1, MESSAGES_WEIGHT)) : before + 1,
    atMs: nowMs,
    quarantines: calm ? 0 : history.quarantines,
    onTrial: history.onTrial && !passed && !calm,
  };
}

export function decideRestart(history: FailureHistory, death: Death): RestartDecision {
  if (isNotOurs(death)) return { do: "restart", afterMs: 0 };
  const { weight, quarantines, onTrial } = history;
  const before = Math.floor(weight - 0.5);
  const afterMs = before < 1 ? 0 : FIRST_DELAY_MS * 2 ** (before - 1);
  if (isTheMessages(death)) return { do: "restart", afterMs: Math.min(afterMs, MESSAGES_DELAY_MS) };
  if (weight <= QUARANTINE_WEIGHT && !onTrial) return { do: "restart", afterMs };
  return { do: "quarantine", coolDownMs: Math.min(FIRST_COOL_DOWN_MS * 2 ** quarantines, LONGEST_COOL_DOWN_MS) };
}

/** The handler was set aside; one failure during its trial sets it aside again, for longer. Nothing fades meanwhile. */
export function quarantined(history: FailureHistory, coolDownMs: number): FailureHistory {
  return { ...history, atMs: history.atMs + coolDownMs, quarantines: history.quarantines + 1, onTrial: true };
}

function isNotOurs({ of }: Death): boolean {
  return of === "operator" || of === "others";
}

/** The handler is well, and one message is not. */
function isTheMessages({ of, wellBefore }: Death): boolean {
  return of === "killer" || (of === "message" && wellBefore);
}
