import { expect, test } from "vitest";
import { HogWatch } from "../../../runtime/isolate/hog-watch.ts";

const LOOK_MS = 250;

/** The verdict of each look; `used`: milliseconds of CPU time before it, and messages finished. */
function verdicts(...used: readonly (readonly [cpuMs: number, finished: number])[]): boolean[] {
  const watch = new HogWatch();
  let [cpuMs, finished] = [0, 0];
  watch.isHog({ atMs: 0, cpuSeconds: 0, finished });
  return used.map(([moreMs, more], at) => {
    cpuMs += moreMs;
    finished += more;
    return watch.isHog({ atMs: (at + 1) * LOOK_MS, cpuSeconds: cpuMs / 1_000, finished });
  });
}

test("a worker that keeps a core busy and finishes nothing is a hog", () => {
  expect(verdicts([10, 0], [250, 0])).toEqual([false, true]);
});

test("one whose helpers keep more than a core busy is one too", () => {
  expect(verdicts([450, 0])).toEqual([true]);
});

test("one that finishes messages is none, however busy", () => {
  expect(verdicts([250, 80_000], [250, 60])).toEqual([false, false]);
});

test("one that takes a core for a few long messages is one: others are to be served in between", () => {
  expect(verdicts([250, 2])).toEqual([true]);
});

test("one that waits is none", () => {
  expect(verdicts([0, 0], [150, 0])).toEqual([false, false]);
});

test("the first look, of a life not seen, says nothing", () => {
  expect(new HogWatch().isHog({ atMs: 5_000, cpuSeconds: 5, finished: 0 })).toBe(false);
});
