import { expect, it } from "vitest";
import { readQuery } from "../../../runtime/cli/dead-letter-filter.ts";
import { barLine } from "../../../runtime/terminal/progress.ts";

it("the bar fills with what is done, and gives way where there is no room", () => {
  expect(barLine(5, 10, 19)).toBe("█████░░░░░ 5 of 10");
  expect(barLine(10, 10, 80)).toBe(`${"█".repeat(30)} 10 of 10`);
  expect(barLine(0, 10, 5)).toBe(" 0 of 10");
});

it("--since reads how long ago, a time of day that was, and a date", () => {
  const nowMs = new Date(2030, 0, 15, 12, 0, 0).getTime();
  expect(readQuery({ since: "2h" }, nowMs).sinceMs).toBe(nowMs - 7_200_000);
  expect(readQuery({ since: "11:30" }, nowMs).sinceMs).toBe(nowMs - 1_800_000);
  expect(readQuery({ since: "12:30" }, nowMs).sinceMs).toBe(nowMs + 1_800_000 - 86_400_000);
  expect(() => readQuery({ since: "soon" }, nowMs)).toThrow(/--since needs a time/);
  expect(() => readQuery({ reason: "trew" }, nowMs)).toThrow(/nothing fails as "trew"/);
});
