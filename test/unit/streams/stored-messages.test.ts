import { expect, it } from "vitest";
import { firstSince } from "../../../runtime/streams/stored-messages.ts";

/** Numbers and their times; what is not there was deleted. */
const STORED = [
  [3, 100],
  [4, 100],
  [7, 200],
  [8, 300],
] as const;

const next = async (seq: number) => {
  const found = STORED.find(([at]) => at >= seq);
  return found && { seq: found[0], time: new Date(found[1]) };
};

it.each([
  [0, 3],
  [100, 3],
  [101, 7],
  [200, 7],
  [201, 8],
  [300, 8],
  [301, 9],
])("what was stored at %i or later begins with number %i", async (fromMs, expected) => {
  const found = await firstSince(fromMs, 3, 8, next);
  expect((await next(found))?.seq ?? 9).toBe(expected);
});

it("an empty stream has nothing to look through", async () => {
  expect(await firstSince(0, 1, 0, () => Promise.reject(new Error("asked")))).toBe(1);
});
