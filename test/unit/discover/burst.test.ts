import { beforeEach, expect, test } from "vitest";
import type { Clock } from "../../../runtime/clock.ts";
import { type Burst, gatherBursts } from "../../../runtime/discover/burst.ts";

let nowMs = 0;
let due: { atMs: number; callback: () => void } | undefined;
let reported: string[][] = [];
let burst: Burst;

const clock: Clock = {
  monotonicMs: () => nowMs,
  nowMs: () => nowMs,
  after(delayMs, callback) {
    const timer = { atMs: nowMs + delayMs, callback };
    due = timer;
    return {
      cancel: () => {
        if (due === timer) due = undefined;
      },
    };
  },
  every: () => ({ cancel: () => {} }),
};

function advance(ms: number) {
  nowMs += ms;
  if (due === undefined || due.atMs > nowMs) return;
  const { callback } = due;
  due = undefined;
  callback();
}

beforeEach(() => {
  due = undefined;
  reported = [];
  burst = gatherBursts({ clock, quietMs: 2, longestMs: 10, onBurst: (paths) => reported.push([...paths]) });
});

test("the events of one save are reported once, after a quiet moment", () => {
  burst.add("a");
  advance(1);
  burst.add("a");
  burst.add("b");
  advance(1);
  expect(reported).toEqual([]);
  advance(1);
  expect(reported).toEqual([["a", "b"]]);
  expect(due).toBeUndefined();
});

test("a burst that does not end is reported in parts", () => {
  for (let i = 0; i < 20; i++) {
    burst.add(`f${i}`);
    advance(1);
  }
  advance(2);
  expect(reported.length).toBeGreaterThan(1);
  expect(reported.flat()).toHaveLength(20);
});

test("after cancelling nothing is reported and no timer is left", () => {
  burst.add("a");
  burst.cancel();
  expect(due).toBeUndefined();
  advance(10);
  expect(reported).toEqual([]);
});
