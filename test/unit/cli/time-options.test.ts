import { describe, expect, it } from "vitest";
import { readEnd } from "../../../runtime/cli/time-options.ts";
import { momentText, spanText } from "../../../runtime/terminal/time-text.ts";

const NOON = new Date(2030, 0, 31, 12, 0, 0).getTime();
const at = (hours: number, minutes: number, day = 31) => new Date(2030, 0, day, hours, minutes).getTime();

describe("--for and --until", () => {
  it("name an end: a length from now, the next time of day, or a date", () => {
    expect(readEnd({}, NOON)).toBeUndefined();
    expect(readEnd({ for: "2h" }, NOON)).toBe(at(14, 0));
    expect(readEnd({ until: "18:30" }, NOON)).toBe(at(18, 30));
    expect(readEnd({ until: "9:05" }, NOON)).toBe(at(9, 5, 32));
    expect(readEnd({ until: "2030-01-31T12:01" }, NOON)).toBe(at(12, 1));
  });

  it.each([
    [{ until: "25:00" }, /needs a time such as/],
    [{ until: "soon" }, /needs a time such as .*"soon"/],
    [{ until: "2020-01-01" }, /is in the past/],
    [{ for: "2" }, /needs a duration/],
    [{ for: "0s" }, /needs a duration/],
    [{ for: "1h", until: "18:30" }, /exclude each other/],
  ])("are refused when they make no sense: %j", (options, message) => {
    expect(() => readEnd(options, NOON)).toThrow(message);
  });
});

describe("times", () => {
  it("of today have no date, others have", () => {
    expect(momentText(at(18, 30), NOON)).toBe("18:30:00");
    expect(momentText(at(9, 5, 32), NOON)).toBe("2030-02-01 09:05:00");
  });

  it.each([
    [400, "0 s"],
    [12_000, "12 s"],
    [200_000, "3 min"],
    [7_200_000, "2 h"],
    [4 * 86_400_000, "4 d"],
  ])("spans are as exact as a glance needs: %d ms is %s", (ms, text) => {
    expect(spanText(ms)).toBe(text);
  });
});
