// What is made up for, after an outage of whatever length.

import { describe, expect, it } from "vitest";
import type { Missed, Schedule } from "../../../runtime/metadata/handler-metadata.ts";
import { dueRun } from "../../../runtime/schedule/due.ts";

const HOUR_MS = 3_600_000;
const schedule = (missed: Missed, everyMs = HOUR_MS): Schedule => ({
  times: { kind: "every", everyMs },
  missed,
  payload: "",
});

/** One run after another, in hours, and how many times were passed over. */
function runs(missed: Missed, doneHours: number, nowMs: number) {
  const hours: number[] = [];
  let passedOver = 0;
  let doneMs = doneHours * HOUR_MS;
  for (let due = dueRun(schedule(missed), doneMs, nowMs); due; due = dueRun(schedule(missed), doneMs, nowMs)) {
    if (due.runMs !== undefined) hours.push(due.runMs / HOUR_MS);
    passedOver += due.passedOver;
    doneMs = due.doneMs;
  }
  return { hours, passedOver };
}

describe("a time that has just come", () => {
  it.each(["skip", "once", "all"] as const)("is seen to, whatever is done with missed ones (%s)", (missed) => {
    expect(runs(missed, 1, 2 * HOUR_MS + 20)).toEqual({ hours: [2], passedOver: 0 });
    expect(runs(missed, 1, 2 * HOUR_MS - 1)).toEqual({ hours: [], passedOver: 0 });
  });

  it("stands for all that were missed before it, unless each is to be made up for", () => {
    const justAfter = 5 * HOUR_MS + 10;
    expect(runs("skip", 1, justAfter)).toEqual({ hours: [5], passedOver: 3 });
    expect(runs("once", 1, justAfter)).toEqual({ hours: [5], passedOver: 3 });
    expect(runs("all", 1, justAfter)).toEqual({ hours: [2, 3, 4, 5], passedOver: 0 });
  });
});

describe("times at which nobody was there", () => {
  const longAfter = 5 * HOUR_MS + 600_000;

  it("are left out", () => expect(runs("skip", 1, longAfter)).toEqual({ hours: [], passedOver: 4 }));
  it("are made up for by one run, for the last of them", () =>
    expect(runs("once", 1, longAfter)).toEqual({ hours: [5], passedOver: 3 }));
  it("are all made up for, in their order", () =>
    expect(runs("all", 1, longAfter)).toEqual({ hours: [2, 3, 4, 5], passedOver: 0 }));

  it("are a thousand at the most", () => {
    const { hours, passedOver } = runs("all", 0, 5_000 * HOUR_MS + 600_000);
    expect([hours.length, hours[0], passedOver]).toEqual([1_000, 4_001, 4_000]);
  });
});

it("of a quick schedule, a time is missed as soon as the next one has come", () => {
  expect(dueRun(schedule("skip", 1_000), 0, 10_200)).toEqual({ runMs: 10_000, doneMs: 10_000, passedOver: 9 });
});
