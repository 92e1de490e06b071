// Durations counted by size: an addition or two for each, and enough for percentiles and for Prometheus.

/** Upper bounds in milliseconds; one more bucket takes what is longer. Short ones come first: most durations are short. */
export const BOUNDS_MS: readonly number[] = [
  0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 300_000, 3_600_000,
];

export class DurationHistogram {
  readonly boundsMs = BOUNDS_MS;
  /** How many fell into each bucket, not cumulated. Floats: a 32-bit counter would wrap within days. */
  readonly counts = new Float64Array(BOUNDS_MS.length + 1);
  sumMs = 0;

  add(ms: number): void {
    let at = 0;
    while (at < BOUNDS_MS.length && ms > BOUNDS_MS[at]!) at++;
    this.counts[at]!++;
    this.sumMs += ms;
  }
}

/**
 * Upper bound in milliseconds of the bucket that holds the given share (0 to 1), an hour at most; 0 when all are empty.
 * Also of the sum of several histograms' counts.
 */
export function percentileMs(counts: readonly number[], share: number): number {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return 0;
  let seen = 0;
  for (const [at, count] of counts.entries()) {
    seen += count;
    if (seen >= total * share) return BOUNDS_MS[at] ?? BOUNDS_MS.at(-1)!;
  }
  return 0;
}
