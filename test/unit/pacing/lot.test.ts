import { describe, expect, it } from "vitest";
import { lotAfter } from "../../../runtime/pacing/lot.ts";

const TEN = { count: 10, everyMs: 1_000 };
const mark = (nextMs: number, writtenMs: number) => ({ nextMs, writtenMs });

describe("a lot of turns", () => {
  it("L1: begins now where nobody has one, and ends where the next may begin", () => {
    expect(lotAfter(undefined, TEN, 3, 5_000)).toEqual({ startMs: 5_000, nextMs: 5_300 });
  });

  it("L1: begins where the one before ends", () => {
    expect(lotAfter(mark(5_300, 5_000), TEN, 2, 5_100)).toEqual({ startMs: 5_300, nextMs: 5_500 });
  });

  it("L1: saves up nothing of what nobody wanted", () => {
    expect(lotAfter(mark(5_300, 5_000), TEN, 1, 60_000)).toEqual({ startMs: 60_000, nextMs: 60_100 });
  });

  it("goes on from what stands there where the rate is another now", () => {
    expect(lotAfter(mark(5_300, 5_000), { count: 1, everyMs: 3_600_000 }, 1, 5_000).nextMs).toBe(3_605_300);
  });

  it("L2: is as far ahead as it was where the clock was set back since", () => {
    expect(lotAfter(mark(90_000_300, 90_000_000), TEN, 1, 5_000)).toEqual({ startMs: 5_300, nextMs: 5_400 });
    expect(lotAfter(mark(90_000_000, 90_000_300), TEN, 1, 5_000).startMs).toBe(5_000);
  });

  it("of many that reserve in turn has no two turns closer than the rate", () => {
    let stands = mark(0, 0);
    const turns: number[] = [];
    for (let nowMs = 0; nowMs < 2_000; nowMs += 37) {
      const lot = lotAfter(stands, TEN, 2, nowMs);
      stands = mark(lot.nextMs, nowMs);
      turns.push(lot.startMs, lot.startMs + 100);
    }
    const gaps = turns.slice(1).map((at, index) => at - turns[index]!);
    expect(Math.min(...gaps)).toBe(100);
  });
});
