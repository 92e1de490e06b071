import { expect, test } from "vitest";
import { addFailure, decideRestart, NO_FAILURES, quarantined } from "../../../runtime/supervise/restart-policy.ts";

function decisions(failuresAtMs: readonly number[]): (number | string)[] {
  let history = NO_FAILURES;
  return failuresAtMs.map((atMs) => {
    history = addFailure(history, atMs);
    const decision = decideRestart(history);
    if (decision.do === "restart") return decision.afterMs;
    history = quarantined(history, decision.coolDownMs);
    return `quarantine ${decision.coolDownMs / 1_000} s`;
  });
}

test("a single failure restarts at once", () => {
  expect(decisions([5_000])).toEqual([0]);
});

test("failures that follow each other wait twice as long each time, then the handler is set aside", () => {
  expect(decisions([0, 1, 2, 3, 4, 5])).toEqual([0, 500, 1_000, 2_000, 4_000, "quarantine 60 s"]);
});

/** Each failure comes `afterMs` after the restart that followed the one before. */
function untilQuarantine(afterMs: number): number {
  let history = NO_FAILURES;
  for (let failures = 1, atMs = 0; failures < 100; failures++) {
    history = addFailure(history, atMs);
    const decision = decideRestart(history);
    if (decision.do === "quarantine") return failures;
    atMs += decision.afterMs + afterMs;
  }
  return Number.POSITIVE_INFINITY;
}

test("the delays themselves do not keep a handler from being set aside", () => {
  expect(untilQuarantine(0)).toBe(6);
  expect(untilQuarantine(1_000)).toBeLessThanOrEqual(7);
  expect(untilQuarantine(5_000)).toBeLessThan(10);
});

test("a handler that works for half a minute between its failures is not set aside", () => {
  expect(untilQuarantine(30_000)).toBe(Number.POSITIVE_INFINITY);
});

test("one failure during the trial after a quarantine sets it aside again, for longer", () => {
  const until = [0, 1, 2, 3, 4, 5];
  expect(decisions([...until, 60_100, 180_200]).slice(-3)).toEqual([
    "quarantine 60 s",
    "quarantine 120 s",
    "quarantine 240 s",
  ]);
});

test("failures fade: a crash every few minutes always restarts at once", () => {
  expect(decisions([0, 300_000, 600_000, 900_000])).toEqual([0, 0, 0, 0]);
});
