import { describe, expect, it } from "vitest";
import { DurationHistogram, percentileMs } from "../../../runtime/deliver/duration-histogram.ts";
import { HandlerStats } from "../../../runtime/deliver/handler-stats.ts";

describe("the statistics of a handler", () => {
  it("count every outcome, but times only of what ran", () => {
    const stats = new HandlerStats();
    stats.count("returned", 1, 5, 1);
    stats.count("threw", 1, 5, 1);
    for (const outcome of ["queue-full", "given-back", "too-many-hops", "filtered"] as const)
      stats.count(outcome, 1, 0, 0);
    expect([stats.handled, stats.failed, stats.filtered]).toEqual([1, 4, 1]);
    expect(stats.durations.counts.reduce((sum, count) => sum + count, 0)).toBe(2);
    expect([stats.durations.sumMs, stats.waits.sumMs]).toEqual([10, 2]);
  });

  it("take any attempt but the first for a redelivery", () => {
    const stats = new HandlerStats();
    for (const attempt of [1, 2, 3]) stats.count("returned", attempt, 1, 0);
    expect(stats.redeliveries).toBe(2);
  });
});

describe("a histogram of durations", () => {
  it("puts a duration into the first bucket that is not smaller", () => {
    const histogram = new DurationHistogram();
    for (const ms of [0, 0.1, 0.11, 3_600_000, 3_600_001]) histogram.add(ms);
    const { counts } = histogram;
    expect([counts[0], counts[1], counts.at(-2), counts.at(-1)]).toEqual([2, 1, 1, 1]);
  });

  it("has no percentile before the first, and none above an hour", () => {
    expect(percentileMs([0, 0, 0], 0.99)).toBe(0);
    const histogram = new DurationHistogram();
    for (let at = 0; at < 99; at++) histogram.add(0.2);
    histogram.add(9_000_000);
    const counts = [...histogram.counts];
    expect([percentileMs(counts, 0.5), percentileMs(counts, 0.999)]).toEqual([0.25, 3_600_000]);
  });
});
