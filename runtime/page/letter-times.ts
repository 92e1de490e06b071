// When letters failed, in steps that people think in. Pure.

import type { LetterTimes } from "./answers.ts";

const MOST_STEPS = 48;
const MINUTE_MS = 60_000;
/** Of an axis. */
const LENGTHS_MS = [1, 5, 15, 60, 3 * 60, 12 * 60, 24 * 60].map((minutes) => minutes * MINUTE_MS);

/** Steps begin at round times, and all have room for the newest. */
export function letterTimes(atMs: readonly number[]): LetterTimes {
  const first = atMs.reduce((least, time) => Math.min(least, time), Number.POSITIVE_INFINITY);
  const last = atMs.reduce((most, time) => Math.max(most, time), 0);
  if (atMs.length === 0) return { fromMs: 0, stepMs: MINUTE_MS, counts: [] };
  const longest = LENGTHS_MS.at(-1) ?? MINUTE_MS;
  const stepMs = LENGTHS_MS.find((ms) => (last - first) / ms < MOST_STEPS - 1) ?? longest;
  const fromMs = Math.max(Math.floor(first / stepMs), Math.floor(last / stepMs) - MOST_STEPS + 1) * stepMs;
  const counts = new Array<number>(Math.floor((last - fromMs) / stepMs) + 1).fill(0);
  // What is older than the axis reaches is in its first step.
  for (const time of atMs) counts[Math.max(0, Math.floor((time - fromMs) / stepMs))]!++;
  return { fromMs, stepMs, counts };
}
