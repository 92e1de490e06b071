// When schedules are due: the odd days of the clock in every zone, and intervals.

import { describe, expect, it } from "vitest";
import {
  cronProblem,
  nextPlanned,
  type PlannedTimes,
  plannedBetween,
} from "../../../runtime/metadata/planned-times.ts";

const cron = (pattern: string, timeZone = "UTC"): PlannedTimes => ({ kind: "cron", pattern, timeZone });
const DAY_MS = 86_400_000;

function between(times: PlannedTimes, from: string, until: string): string[] {
  const { planned } = plannedBetween(times, Date.parse(from), Date.parse(until), 10_000);
  return planned.map((at) => new Date(at).toISOString().replace(":00.000Z", "Z"));
}

describe("on the day an hour is skipped", () => {
  it("a time of day in it is due when it is over, once", () => {
    expect(between(cron("30 2 * * *", "Europe/Berlin"), "2026-03-28T12:00Z", "2026-03-30T12:00Z")).toEqual([
      "2026-03-29T01:00Z",
      "2026-03-30T00:30Z",
    ]);
  });

  it("an interval goes on", () => {
    expect(between(cron("*/30 * * * *", "Europe/Berlin"), "2026-03-29T00:15Z", "2026-03-29T02:00Z")).toEqual([
      "2026-03-29T00:30Z",
      "2026-03-29T01:00Z",
      "2026-03-29T01:30Z",
      "2026-03-29T02:00Z",
    ]);
  });
});

describe("on the day an hour comes twice", () => {
  it("a time of day in it is due the first time, once", () => {
    expect(between(cron("30 2 * * *", "Europe/Berlin"), "2026-10-24T12:00Z", "2026-10-26T12:00Z")).toEqual([
      "2026-10-25T00:30Z",
      "2026-10-26T01:30Z",
    ]);
  });

  it("an interval goes on through both", () => {
    expect(between(cron("0 * * * *", "Europe/Berlin"), "2026-10-24T23:30Z", "2026-10-25T02:00Z")).toEqual([
      "2026-10-25T00:00Z",
      "2026-10-25T01:00Z",
      "2026-10-25T02:00Z",
    ]);
  });
});

describe("in every zone, at every change of its clocks in 2026 and 2027", () => {
  const changes = changesOfAllZones(Date.UTC(2026, 0, 1, 12), Date.UTC(2028, 0, 1, 12));

  it("there are changes to look at, by half an hour and by two as well", () => {
    expect(changes.length).toBeGreaterThan(100);
    expect(changes.map(({ zone }) => zone)).toEqual(
      expect.arrayContaining(["Australia/Lord_Howe", "Antarctica/Troll"]),
    );
  });

  it.each(["0 0 * * *", "30 1 * * *", "30 2 * * *"])("%s is due once for each day of the calendar", (pattern) => {
    const wrong = changes.filter(({ zone, from, until }) => {
      const { planned } = plannedBetween(cron(pattern, zone), from, until, 100);
      // The longest and the shortest day have 26 and 22 hours.
      const gaps = planned.slice(1).map((at, index) => at - planned[index]!);
      return (
        gaps.some((gap) => Math.abs(gap - DAY_MS) > 7_200_000) || planned.length !== Math.round((until - from) / DAY_MS)
      );
    });
    expect(wrong).toEqual([]);
  });

  it("an interval is due at its pace, without a gap and without a repetition", () => {
    const wrong = changes.filter(({ zone, from, until }) => {
      const { planned } = plannedBetween(cron("0,30 * * * *", zone), from, until, 10_000);
      return planned.some((at, index) => index > 0 && at - planned[index - 1]! !== 1_800_000);
    });
    expect(wrong).toEqual([]);
  }, 60_000);
});

interface Change {
  readonly zone: string;
  /** Noons in the zone, before and after it. */
  readonly from: number;
  readonly until: number;
}

/** Zones whose clocks go alike count once. */
function changesOfAllZones(from: number, until: number): Change[] {
  const zones = new Map<string, Change[]>();
  for (const zone of Intl.supportedValuesOf("timeZone")) {
    const format = new Intl.DateTimeFormat("en", { timeZone: zone, timeZoneName: "longOffset" });
    const offsetAt = (at: number) => format.format(at).split("GMT")[1] ?? "";
    const changes: Change[] = [];
    const offsets = [offsetAt(from)];
    for (let week = from + 7 * DAY_MS; week < until; week += 7 * DAY_MS) {
      const before = offsets.at(-1)!;
      const offset = offsetAt(week);
      offsets.push(offset);
      if (offset === before) continue;
      let day = week;
      while (offsetAt(day - DAY_MS) === offset) day -= DAY_MS;
      changes.push({ zone, from: noonIn(before, day - 2 * DAY_MS), until: noonIn(offset, day + DAY_MS) });
    }
    if (!zones.has(offsets.join())) zones.set(offsets.join(), changes);
  }
  return [...zones.values()].flat();
}

/** Noon of the zone's day, so that no time of day that is tried lies at the edge. `from` and `until` differ by whole days in it. */
function noonIn(offset: string, at: number): number {
  const [, sign, hours, minutes] = /([+-])(\d\d):(\d\d)/.exec(offset) ?? ["", "+", "0", "0"];
  const offsetMs = (sign === "-" ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000;
  return Math.floor((at + offsetMs) / DAY_MS) * DAY_MS + DAY_MS / 2 - offsetMs;
}

describe("an interval", () => {
  const fiveMinutes: PlannedTimes = { kind: "every", everyMs: 300_000 };

  it("is counted from the epoch, so that every replica finds the same times", () => {
    expect(between(fiveMinutes, "2026-01-01T00:01Z", "2026-01-01T00:11Z")).toEqual([
      "2026-01-01T00:05Z",
      "2026-01-01T00:10Z",
    ]);
    expect(nextPlanned(fiveMinutes, Date.parse("2026-01-01T00:05Z"))).toBe(Date.parse("2026-01-01T00:10Z"));
  });

  it("of a long time gives the last ones, and the number of the others at once", () => {
    const { planned, left } = plannedBetween({ kind: "every", everyMs: 1_000 }, 0, 1e12, 3);
    expect(planned).toEqual([1e12 - 2_000, 1e12 - 1_000, 1e12]);
    expect(left).toBe(1e9 - 3);
  });
});

it.each([
  ["0 5 * * *", undefined],
  ["*/10 * * * * *", undefined],
  ["@hourly", undefined],
  ["0 9 * * MON-FRI", undefined],
  ["* * * *", "is no cron pattern"],
  ["61 * * * *", "Invalid value for minute"],
  ["@sometimes", "is no cron pattern"],
  ["0 0 31 2 *", "is never due"],
  ["* * * * * * *", "is no cron pattern"],
])("%s as a pattern: %s", (pattern, problem) => {
  if (problem === undefined) expect(cronProblem(pattern, "UTC")).toBeUndefined();
  else expect(cronProblem(pattern, "UTC")).toContain(problem);
});
