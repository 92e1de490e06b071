// Medians and spreads: a mean would carry the one round in which the machine did something else.

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export function spreadOf(values: readonly number[]): Spread {
  return { median: percentile(values, 0.5), min: Math.min(...values), max: Math.max(...values) };
}

/** The smallest value that at least `share` (0 to 1) of the values do not exceed; the mean of the middle two for 0.5 of an even number. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  if (sorted.length === 0) return Number.NaN;
  if (share === 0.5 && sorted.length % 2 === 0) {
    return (sorted[sorted.length / 2 - 1]! + sorted[sorted.length / 2]!) / 2;
  }
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)]!;
}

/** a/b pair by pair: rounds next to each other in time met the same machine. */
export function ratiosOf(a: readonly number[], b: readonly number[]): number[] {
  return a.map((value, at) => value / b[at]!);
}
