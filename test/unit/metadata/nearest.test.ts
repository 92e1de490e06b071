import { describe, expect, test } from "vitest";
import { didYouMean, distance, nearest } from "../../../runtime/metadata/nearest.ts";

describe("distance", () => {
  test.each([
    ["", "", 0],
    ["abc", "abc", 0],
    ["", "abc", 3],
    ["kitten", "sitting", 3],
    ["teh", "the", 1],
    ["subejct", "subject", 1],
  ])("%j to %j is %i", (a, b, edits) => {
    expect(distance(a, b)).toBe(edits);
    expect(distance(b, a)).toBe(edits);
  });
});

describe("nearest", () => {
  const known = ["timeout", "concurrency", "idle", "env", "todo/save"];

  test.each([
    ["concurency", "concurrency"],
    ["timeOut", "timeout"],
    ["idel", "idle"],
    ["todo/sav", "todo/save"],
    ["ENV", "env"],
  ])("%s is meant as %s", (word, expected) => {
    expect(nearest(word, known)).toBe(expected);
  });

  test("a word far from all has no nearest", () => {
    expect(nearest("colour", known)).toBeUndefined();
    expect(nearest("x", known)).toBeUndefined();
  });

  test("didYouMean is the end of a sentence, or nothing", () => {
    expect(didYouMean("tiemout", known)).toBe(' Did you mean "timeout"?');
    expect(didYouMean("colour", known)).toBe("");
  });
});
