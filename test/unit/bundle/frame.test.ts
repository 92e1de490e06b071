import { expect, test } from "vitest";
import { codeFrame } from "../../../runtime/bundle/frame.ts";

const SOURCE = Array.from({ length: 12 }, (_, i) => `line ${i + 1}`).join("\n");

test("three lines before and after, a marker on the line and a caret under the column", () => {
  expect(codeFrame(SOURCE, 8, 6)).toBe(
    [
      "   5 | line 5",
      "   6 | line 6",
      "   7 | line 7",
      ">  8 | line 8",
      "     |      ^",
      "   9 | line 9",
      "  10 | line 10",
      "  11 | line 11",
    ].join("\n"),
  );
});

test("the first and the last line have less around them", () => {
  expect(codeFrame("only", 1, 1)).toBe("> 1 | only\n    | ^");
  expect(codeFrame("a\r\nb", 2, 2)).toBe("  1 | a\n> 2 | b\n    |  ^");
});

test("the caret stands under the column although tabs are widened", () => {
  expect(codeFrame("\tx = ;", 1, 6)).toBe("> 1 |   x = ;\n    |       ^");
});

test("of a very long line the part around the column is shown", () => {
  const frame = codeFrame(`${"a".repeat(5000)}B${"c".repeat(5000)}`, 1, 5001);
  const [line = "", caret = ""] = frame.split("\n");
  expect(line.length).toBeLessThan(140);
  expect(line[caret.indexOf("^")]).toBe("B");
});

test("a place outside the source has no frame", () => {
  expect(codeFrame(SOURCE, 0, 1)).toBe("");
  expect(codeFrame(SOURCE, 13, 1)).toBe("");
});
