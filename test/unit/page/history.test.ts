import { describe, expect, it } from "vitest";
import { DurationHistogram } from "../../../runtime/deliver/duration-histogram.ts";
import { aboveGround, linePath, roundTop } from "../../../runtime/page/client/chart-lines.ts";
import { History } from "../../../runtime/page/history.ts";

const NOW = 7_200_000;

const looked = (handled: number, failed = 0, waiting = 0, durations: readonly number[] = []) => ({
  handled,
  failed,
  waiting,
  durations,
});

describe("the history of a handler", () => {
  it("has how long those took that ended in each ten seconds, not those before", () => {
    const [quick, slow] = [new DurationHistogram(), new DurationHistogram()];
    for (let at = 0; at < 99; at++) quick.add(2);
    for (let at = 0; at < 99; at++) slow.add(at === 0 ? 2 : 400);
    const both = quick.counts.map((count, at) => count + (slow.counts[at] ?? 0));
    const history = new History();
    const look = (counts: Iterable<number>, atMs: number) =>
      history.look("save", looked(0, 0, 0, [...counts]), NOW + atMs);
    look([], 0);
    look(quick.counts, 1_000);
    for (let atMs = 2_000; atMs < 10_000; atMs += 1_000) look(quick.counts, atMs);
    look(both, 10_000);
    for (let atMs = 11_000; atMs < 21_000; atMs += 1_000) look(both, atMs);
    const times = history.of("save", NOW + 20_000).points.map(({ p50Ms, p99Ms }) => [p50Ms, p99Ms]);
    const [[first = 0] = [], [second = 0, worst = 0] = [], third] = times;
    expect(first).toBeLessThan(5);
    expect([second, worst].every((ms) => ms >= 400 && ms < 1_000)).toBe(true);
    expect(third).toEqual([undefined, undefined]);
  });
  it("has for each ten seconds how many a second there were, how many of them failed, and the most that waited", () => {
    const history = new History();
    for (let at = 0; at <= 10; at++) history.look("save", looked(at * 3, at, at === 4 ? 9 : 0), NOW + at * 1_000 - 1);
    const { points, steps } = history.of("save", NOW + 9_999);
    expect(points).toEqual([{ at: steps - 1, rate: 4, failRate: 1, waiting: 9 }]);
  });

  it("H1: has a gap where nobody looked, and takes no count that began anew for less than none", () => {
    const history = new History();
    const look = (handled: number, atMs: number) => history.look("save", looked(handled), NOW + atMs);
    for (const [handled, atMs] of [
      [0, 0],
      [10, 1_000],
      [500, 60_000],
      [2, 61_000],
      [4, 62_000],
    ] as const)
      look(handled, atMs);
    const { points, steps } = history.of("save", NOW + 62_000);
    expect(points).toEqual([
      { at: steps - 7, rate: 10, failRate: 0, waiting: 0 },
      { at: steps - 1, rate: 1, failRate: 0, waiting: 0 },
    ]);
  });

  it("goes back one hour, and ends with its handler", () => {
    const history = new History();
    for (let at = 0; at < 5_000; at++) history.look("save", looked(at), NOW + at * 1_000);
    expect(history.of("save", NOW + 5_000_000).points.length).toBeLessThanOrEqual(360);
    history.keepOnly(new Set());
    expect(history.of("save", NOW + 5_000_000).points).toEqual([]);
  });
});

describe("a chart", () => {
  it("draws what went wrong only where something did", () => {
    const drawn = (...values: number[]) => aboveGround(values.map((value, at) => ({ at, value }))).map(({ at }) => at);
    expect(drawn(0, 0, 0)).toEqual([]);
    expect(drawn(0, 0, 2, 0, 0, 1)).toEqual([1, 2, 3, 4, 5]);
  });

  it("ends with a round number above all values", () => {
    expect([[], [0], [0.3], [1], [7], [13], [999]].map(roundTop)).toEqual([1, 1, 0.5, 1, 10, 20, 1_000]);
  });

  it("breaks its line where a step is missing", () => {
    const values = [
      { at: 0, value: 0 },
      { at: 1, value: 10 },
      { at: 3, value: 5 },
    ];
    expect(linePath(values, 4, 10, { width: 40, height: 10 })).toBe("M0 10L10 10L10 0L20 0M30 5L40 5");
  });
});
