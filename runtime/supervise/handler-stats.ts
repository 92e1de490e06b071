// What one handler has done so far, in plain counters: cheap enough to count every message.

import type { OutcomeKind } from "../deliver/outcome.ts";

/** Upper bounds of the duration buckets in milliseconds: 0.1, 0.2, 0.4, ... about 1.8 hours. */
const BUCKETS = 27;

export class HandlerStats {
  readonly outcomes: Record<OutcomeKind, number> = {
    returned: 0,
    threw: 0,
    "gave-up": 0,
    "retry-later": 0,
    invalid: 0,
    "not-serializable": 0,
    "timed-out": 0,
    crashed: 0,
    "out-of-memory": 0,
    "too-many-hops": 0,
    "queue-full": 0,
    "given-back": 0,
  };
  readonly durations = new Uint32Array(BUCKETS);
  reloads = 0;
  restarts = 0;
  private totalMs = 0;

  count(outcome: OutcomeKind, tookMs: number): void {
    this.outcomes[outcome]++;
    this.totalMs += tookMs;
    this.durations[bucketOf(tookMs)]!++;
  }

  get handled(): number {
    return this.outcomes.returned;
  }

  get failed(): number {
    return Object.entries(this.outcomes).reduce((sum, [kind, count]) => (kind === "returned" ? sum : sum + count), 0);
  }

  get totalDurationMs(): number {
    return this.totalMs;
  }

  /** Upper bound in milliseconds of the bucket that holds the given share of deliveries (0 to 1); 0 before the first. */
  percentileMs(share: number): number {
    return percentileMs([...this.durations], share);
  }
}

/** The same of any such counts, such as the sum of several replicas'. */
export function percentileMs(durations: readonly number[], share: number): number {
  const total = durations.reduce((sum, count) => sum + count, 0);
  let seen = 0;
  for (const [at, count] of durations.entries()) {
    seen += count;
    if (total > 0 && seen >= total * share) return 0.1 * 2 ** at;
  }
  return 0;
}

function bucketOf(tookMs: number): number {
  if (tookMs <= 0.1) return 0;
  return Math.min(BUCKETS - 1, Math.ceil(Math.log2(tookMs * 10)));
}
