// When to start a handler again after its worker died or would not come up. Pure: the caller keeps the history.
//
// Failures fade: one failure counts half after HALF_LIFE_MS. A single crash restarts at once; crashes that follow each
// other wait twice as long each time.

export interface FailureHistory {
  /** Faded count of failures as it was at `atMs`. */
  readonly weight: number;
  readonly atMs: number;
}

export const NO_FAILURES: FailureHistory = { weight: 0, atMs: 0 };

const HALF_LIFE_MS = 30_000;
const FIRST_DELAY_MS = 250;
const LONGEST_DELAY_MS = 30_000;

export function addFailure(history: FailureHistory, nowMs: number): FailureHistory {
  const faded = history.weight * 0.5 ** ((nowMs - history.atMs) / HALF_LIFE_MS);
  return { weight: faded + 1, atMs: nowMs };
}

/** Milliseconds until the next start; 0: at once. */
export function restartDelayMs(history: FailureHistory): number {
  const before = Math.floor(history.weight - 0.5);
  if (before < 1) return 0;
  return Math.min(FIRST_DELAY_MS * 2 ** (before - 1), LONGEST_DELAY_MS);
}
