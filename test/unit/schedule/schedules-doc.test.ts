// The table of docs/schedules.md about the days on which clocks change says what happens.

import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { nextPlanned } from "../../../runtime/metadata/planned-times.ts";

const doc = readFileSync(new URL("../../../docs/schedules.md", import.meta.url), "utf8");
const timeZone = "Europe/Berlin";

/** As a clock on the wall shows them, after `from` up to `until`. */
function shown(pattern: string, from: string, until: string): string[] {
  const times: string[] = [];
  const next = (at: number) => nextPlanned({ kind: "cron", pattern, timeZone }, at)!;
  for (let at = next(Date.parse(from)); at <= Date.parse(until); at = next(at))
    times.push(new Date(at).toLocaleTimeString("sv", { timeZone, hour: "2-digit", minute: "2-digit" }));
  return times;
}

it.each(["30 2 * * *", "*/30 * * * *"])("%s", (pattern) => {
  const row = doc.split("\n").find((line) => line.startsWith(`| \`${pattern}\` |`)) ?? "";
  const [spring = "", autumn = ""] = row.split("|").slice(2, 4);
  const told = (cell: string) => cell.match(/\d\d:\d\d/g);
  expect(shown(pattern, "2027-03-28T00:15Z", "2027-03-28T01:45Z")).toEqual(told(spring));
  expect(shown(pattern, "2027-10-30T23:45Z", "2027-10-31T02:15Z")).toEqual(told(autumn));
});
