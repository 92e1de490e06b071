import { describe, expect, it } from "vitest";
import { durationText, sizeText } from "../../../runtime/cli/duration-text.ts";
import { tableLines } from "../../../runtime/terminal/table.ts";

describe("a table", () => {
  it("pads each column to its widest cell and leaves nothing at the ends of lines", () => {
    expect(
      tableLines(
        [
          ["NAME", "KIND"],
          ["todo/save", ""],
          ["a", "event"],
        ],
        80,
      ),
    ).toEqual(["NAME       KIND", "todo/save", "a          event"]);
  });

  it("cuts the last column, and no other, to stay inside the window", () => {
    expect(tableLines([["a-long-name", "handlers/a-long-name.ts"]], 24)).toEqual(["a-long-name  handlers/a…"]);
    expect(tableLines([["a-long-name", "handlers/a-long-name.ts"]], 5)).toEqual(["a-long-name  handler…"]);
  });
});

describe("quantities", () => {
  it.each([
    [250, "250ms"],
    [1_500, "1.5s"],
    [30_000, "30s"],
    [90_000, "1.5m"],
    [604_800_000, "7d"],
  ])("%i ms are %s", (ms, text) => expect(durationText(ms)).toBe(text));

  it.each([
    [912, "912 B"],
    [3_400, "3.4 kB"],
    [2_500_000, "2.5 MB"],
  ])("%i bytes are %s", (bytes, text) => expect(sizeText(bytes)).toBe(text));
});
