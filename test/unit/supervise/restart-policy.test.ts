import { expect, test } from "vitest";
import { addFailure, NO_FAILURES, restartDelayMs } from "../../../runtime/supervise/restart-policy.ts";

function delaysOf(failuresAtMs: readonly number[]): number[] {
  let history = NO_FAILURES;
  return failuresAtMs.map((atMs) => {
    history = addFailure(history, atMs);
    return restartDelayMs(history);
  });
}

test("a single failure restarts at once", () => {
  expect(delaysOf([5_000])).toEqual([0]);
});

test("failures that follow each other wait twice as long each time", () => {
  expect(delaysOf([0, 1, 2, 3, 4])).toEqual([0, 250, 500, 1_000, 2_000]);
});

test("the wait has a ceiling", () => {
  expect(delaysOf(Array.from({ length: 40 }, (_, at) => at)).at(-1)).toBe(30_000);
});

test("failures fade: a crash every few minutes always restarts at once", () => {
  expect(delaysOf([0, 300_000, 600_000, 900_000])).toEqual([0, 0, 0, 0]);
});
