import { expect, test } from "vitest";
import { SeenSoFar } from "../../../runtime/bind/seen-so-far.ts";

const MADE_AT_MS = 1_500;
const at = (streamSequence: number, storedAtMs = 2_000 + streamSequence) => ({ streamSequence, storedAtMs });
const fresh = (kind: "new" | "last" = "new") => new SeenSoFar({ kind }, MADE_AT_MS);

test("before anything has come, the next consumer begins as the first one did", () => {
  expect(fresh("last").from).toEqual({ kind: "last" });
  expect(fresh().isDone(at(1))).toBe(false);
});

test("it begins with the last one that came, or an earlier one that is open; what is done with is known", () => {
  const seen = fresh();
  for (const sequence of [1, 2, 3, 5]) seen.came(at(sequence));
  for (const sequence of [1, 3, 5]) seen.done(at(sequence));
  expect(seen.from).toEqual({ kind: "time", atMs: 2_002 });
  expect([1, 2, 3, 5, 6].map((sequence) => seen.isDone(at(sequence)))).toEqual([true, false, true, true, false]);
  seen.done(at(2));
  expect(seen.from).toEqual({ kind: "time", atMs: 2_005 });
});

test("one that comes again for its retry stays open until it is done with", () => {
  const seen = fresh();
  seen.came(at(1));
  seen.came(at(2));
  seen.done(at(2));
  seen.came(at(1));
  expect([seen.isDone(at(1)), seen.from]).toEqual([false, { kind: "time", atMs: 2_001 }]);
  seen.done(at(1));
  expect([seen.isDone(at(1)), seen.from]).toEqual([true, { kind: "time", atMs: 2_002 }]);
});

test("a stream that was made anew has other messages under the same numbers", () => {
  const seen = fresh();
  seen.came(at(900));
  seen.done(at(900));
  expect(seen.isDone(at(1, 5_000))).toBe(false);
  seen.came(at(1, 5_000));
  seen.done(at(1, 5_000));
  expect([seen.isDone(at(1, 5_000)), seen.isDone(at(2, 5_001))]).toEqual([true, false]);
  expect(seen.from).toEqual({ kind: "time", atMs: 5_000 });
});

test("the last of each subject come in any order: none is taken for done, and the next consumer begins so too", () => {
  const seen = fresh("last");
  for (const [sequence, storedAtMs] of [
    [15, 1_015],
    [5, 1_005],
    [10, 1_010],
  ] as const) {
    expect(seen.isDone(at(sequence, storedAtMs))).toBe(false);
    seen.came(at(sequence, storedAtMs));
    seen.done(at(sequence, storedAtMs));
  }
  expect([seen.isDone(at(5, 1_005)), seen.from]).toEqual([false, { kind: "last" }]);
});

test("one that was stored since says that all have come", () => {
  const seen = fresh("last");
  seen.came(at(15, 1_015));
  seen.done(at(15, 1_015));
  seen.came(at(5, 1_005));
  seen.came(at(16, 1_600));
  expect([seen.isDone(at(15, 1_015)), seen.from]).toEqual([true, { kind: "time", atMs: 1_005 }]);
  seen.done(at(5, 1_005));
  expect(seen.from).toEqual({ kind: "time", atMs: 1_600 });
});
