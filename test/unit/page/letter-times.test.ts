// The bars of when letters failed.

import { expect, it } from "vitest";
import { letterTimes } from "../../../runtime/page/letter-times.ts";

const MINUTE = 60_000;
const at = (minute: number) => 1_000 * 24 * 60 * MINUTE + minute * MINUTE;

it("has no bar without letters, and one for letters of one minute", () => {
  expect(letterTimes([]).counts).toEqual([]);
  expect(letterTimes([at(0), at(0.5)])).toEqual({ fromMs: at(0), stepMs: MINUTE, counts: [2] });
});

it("counts every letter once, at its time, in steps that begin at round times", () => {
  const { fromMs, stepMs, counts } = letterTimes([at(3), at(61), at(62), at(119)]);
  expect({ fromMs, stepMs }).toEqual({ fromMs: at(0), stepMs: 5 * MINUTE });
  expect(counts.length).toBe(24);
  expect([counts[0], counts[12], counts[23]]).toEqual([1, 2, 1]);
});

it("has at most 48 bars, and what is older than they reach is in the first", () => {
  const { stepMs, counts } = letterTimes([at(0), at(1), at(60 * 24 * 60), at(61 * 24 * 60)]);
  expect(stepMs).toBe(24 * 60 * MINUTE);
  expect(counts.length).toBe(48);
  expect(counts.reduce((sum, count) => sum + count)).toBe(4);
  expect(counts[0]).toBe(2);
});
