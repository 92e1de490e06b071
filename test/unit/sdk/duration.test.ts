import { describe, expect, test } from "vitest";
import { parseDuration } from "../../../sdk/duration.ts";
import { parseSize } from "../../../sdk/size.ts";

describe("parseDuration", () => {
  test.each([
    ["0ms", 0],
    ["500ms", 500],
    ["10s", 10_000],
    ["5m", 300_000],
    ["1.5h", 5_400_000],
    ["30d", 2_592_000_000],
  ])("%s is %i milliseconds", (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  test.each(["", "10", "s", "-5s", "1e3s", "NaNs", "Infinitys", "10 s", "10S", "1h30m", ".5s", "99999999999999d"])(
    "%j is no duration",
    (text) => {
      expect(parseDuration(text)).toBeUndefined();
    },
  );
});

describe("parseSize", () => {
  test.each([
    ["1KB", 1024],
    ["256MB", 268_435_456],
    ["1.5GB", 1_610_612_736],
  ])("%s is %i bytes", (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  test.each(["", "256", "256M", "256mb", "-1MB", "99999999999GB"])("%j is no size", (text) => {
    expect(parseSize(text)).toBeUndefined();
  });
});
