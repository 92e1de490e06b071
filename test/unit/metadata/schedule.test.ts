// What `schedule` may say, and what is refused with which reason, at which line.

import { describe, expect, it } from "vitest";
import { parseMetadata } from "../../../runtime/metadata/parse.ts";
import { DEFAULTS } from "../../support/handler-defaults.ts";

const WHERE = { handler: "nightly", file: "handlers/nightly.ts" };

function read(schedule: unknown, more: object = {}) {
  const raw = { subject: "reports.nightly", kind: "durable", schedule, ...more };
  const source = `export const metadata = ${JSON.stringify(raw, null, 2)};`;
  const parsed = parseMetadata(raw, DEFAULTS, { ...WHERE, source });
  return parsed.ok
    ? { schedule: parsed.metadata.schedule }
    : { problem: parsed.error.message.replace('handler "nightly": ', ""), line: parsed.error.place?.line };
}

describe("a schedule", () => {
  it.each([
    ["0 5 * * *", { kind: "cron", pattern: "0 5 * * *", timeZone: "UTC" }],
    ["*/10 * * * * *", { kind: "cron", pattern: "*/10 * * * * *", timeZone: "UTC" }],
    ["@hourly", { kind: "cron", pattern: "@hourly", timeZone: "UTC" }],
    [
      { cron: "0 5 * * MON-FRI", timeZone: "Europe/Berlin" },
      { kind: "cron", pattern: "0 5 * * MON-FRI", timeZone: "Europe/Berlin" },
    ],
    [{ every: "5m" }, { kind: "every", everyMs: 300_000 }],
  ])("may be %j", (schedule, times) => {
    expect(read(schedule)).toEqual({ schedule: { times, missed: "once", payload: "" } });
  });

  it("says what becomes of missed times", () => {
    expect(read({ every: "5m", missed: "all" }).schedule?.missed).toBe("all");
  });
});

describe("is refused:", () => {
  it.each([
    ["a pattern that is none, with what is wrong in it", "0 25 * * *", /^metadata\.schedule is no cron pattern: .*25/],
    ["a pattern that is never due", "0 0 30 2 *", /^metadata\.schedule is never due; received "0 0 30 2 \*"$/],
    ["an unknown zone", { cron: "@daily", timeZone: "Mars/Base" }, /^metadata\.schedule\.timeZone must be a time zone/],
    ["both of the two", { cron: "@daily", every: "1d" }, /^metadata\.schedule\.every cannot go with cron/],
    ["neither", { missed: "all" }, /^metadata\.schedule must be a cron pattern/],
    ["an interval below a second", { every: "500ms" }, /^metadata\.schedule\.every must be .*"1s" to "365d"/],
    ["an interval with a zone", { every: "1h", timeZone: "UTC" }, /^metadata\.schedule\.timeZone is for cron patterns/],
    ["another word for missed times", { every: "1h", missed: "twice" }, /^metadata\.schedule\.missed must be "skip"/],
    [
      "what is no option",
      { every: "1h", timezone: "UTC" },
      /^metadata\.schedule\.timezone is not an option. Did you mean/,
    ],
    ["a number", 60, /^metadata\.schedule must be a cron pattern/],
  ])("%s", (_what, schedule, problem) => expect(read(schedule).problem).toMatch(problem));

  it.each([
    ["a request", { kind: "request" }, /nobody waits for the reply/],
    ["wildcards", { subject: "reports.*" }, /needs a subject without wildcards.*"reports\.\*"/],
    ["a stream by name", { stream: "REPORTS" }, /cannot go with `stream`/],
    ["a domain", { domain: "hub" }, /cannot go with `domain`/],
  ])("with %s", (_what, more, problem) => expect(read("@daily", more).problem).toMatch(problem));

  it("at the line where it stands", () => {
    expect(read({ cron: "0 5 * *" }).line).toBe(5);
    expect(read("0 5 * *").line).toBe(4);
  });
});
