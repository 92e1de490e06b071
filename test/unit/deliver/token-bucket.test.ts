import { describe, expect, it } from "vitest";
import { TokenBucket } from "../../../runtime/deliver/token-bucket.ts";

const per = (count: number, everyMs: number) => new TokenBucket({ count, everyMs }, 0);

/** At which milliseconds messages begin that all wait from the start. */
function begins(bucket: TokenBucket, untilMs: number): number[] {
  const found: number[] = [];
  for (let nowMs = 0; nowMs < untilMs; nowMs += Math.max(0, bucket.waitMs(nowMs))) {
    if (bucket.waitMs(nowMs) > 0) continue;
    bucket.take(nowMs);
    found.push(nowMs);
  }
  return found;
}

describe("so many in so long", () => {
  it.each([
    [4, 1_000, [0, 250, 500, 750]],
    [3, 1_000, [0, 334, 667]],
    [1, 1_000, [0]],
  ])("%i in %i ms begin evenly", (count, everyMs, expected) => {
    expect(begins(per(count, everyMs), 1_000)).toEqual(expected);
  });

  it.each([1, 7, 50, 333, 1_000, 10_000])(
    "%i a second are never more than that in any second, but for what is kept",
    (count) => {
      const all = begins(per(count, 1_000), 5_000);
      for (const from of [0, 500, 1_700, 3_999]) {
        const inOne = all.filter((at) => at >= from && at < from + 1_000).length;
        expect(inOne).toBeLessThanOrEqual(Math.ceil(count * 1.02) + 1);
        expect(inOne).toBeGreaterThanOrEqual(Math.floor(count * 0.98) - 1);
      }
    },
  );

  it("T1: no burst follows a pause", () => {
    const bucket = per(10, 1_000);
    bucket.take(0);
    expect(bucket.waitMs(60_000)).toBe(0);
    bucket.take(60_000);
    // A hundred, but for the last millisecond, which is kept.
    expect(bucket.waitMs(60_000)).toBe(99);
  });

  it("T1: who was late by a little makes good for it", () => {
    const bucket = per(1_000, 1_000);
    bucket.take(0);
    for (let n = 0; n < 5; n++) {
      expect(bucket.waitMs(5)).toBe(0);
      bucket.take(5);
    }
    expect(bucket.waitMs(5)).toBe(1);
  });

  it("it is known how many come up in a while", () => {
    const bucket = per(10, 1_000);
    expect(bucket.within(0, 200)).toBe(3);
    bucket.take(0);
    expect([bucket.within(0, 200), bucket.within(0, 99), bucket.within(100, 0)]).toEqual([2, 0, 1]);
  });
});
