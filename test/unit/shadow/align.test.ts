import { expect, it } from "vitest";
import { aligned } from "../../../runtime/shadow/align.ts";

const beside = (before: string, after: string) =>
  aligned([...before], [...after], (entry) => entry).map(([left = "-", right = "-"]) => left + right);

it.each([
  ["", "", []],
  ["abc", "abc", ["aa", "bb", "cc"]],
  ["abc", "ac", ["aa", "b-", "cc"]],
  ["ac", "abc", ["aa", "-b", "cc"]],
  ["abc", "axc", ["aa", "bx", "cc"]],
  ["ab", "xyab", ["-x", "-y", "aa", "bb"]],
  ["abc", "", ["a-", "b-", "c-"]],
])(
  "%j beside %j: what both have stands side by side, what was replaced beside what replaced it",
  (before, after, pairs) => {
    expect(beside(before, after)).toEqual(pairs);
  },
);

it("long lists are put beside each other by their places", () => {
  const long = Array.from({ length: 500 }, (_, at) => at);
  const pairs = aligned(long, long.slice(1), String);
  expect(pairs).toHaveLength(500);
  expect(pairs[0]).toEqual([0, 1]);
});
