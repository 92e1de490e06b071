// How many requests a worker has under way.

import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { RequestTurns } from "../../../runtime/worker/request-turns.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function turns(most: number, mostBytes = 1_000) {
  const begun: [string, number][] = [];
  const expired: string[] = [];
  const all = new RequestTurns(most, mostBytes);
  const enter = (name: string, bytes = 1, timeoutMs = 1_000) =>
    all.enter({ bytes, timeoutMs, begin: (leftMs) => begun.push([name, leftMs]), expired: () => expired.push(name) });
  return { all, begun, expired, enter, names: () => begun.map(([name]) => name).join("") };
}

it("those that find no room have their turn in order, and the rest of their time (Q1, Q2)", () => {
  const { all, begun, enter, names } = turns(2);
  for (const name of ["a", "b", "c", "d"]) enter(name);
  expect(names()).toBe("ab");
  vi.advanceTimersByTime(400);
  all.leave(1);
  expect(begun.at(-1)).toEqual(["c", 600]);
  enter("e");
  all.leave(1);
  all.leave(1);
  expect(names()).toBe("abcde");
});

it("bytes count as well as numbers, and one beyond them goes alone", () => {
  const { all, enter, names } = turns(10, 1_000);
  enter("a", 600);
  enter("b", 600);
  enter("c", 1);
  expect(names()).toBe("a"); // Nobody overtakes.
  all.leave(600);
  expect(names()).toBe("abc");
  all.leave(600);
  all.leave(1);
  enter("d", 5_000);
  expect(names()).toBe("abcd");
});

it("one whose time is up before its turn is refused, and never begun (Q2)", () => {
  const { all, expired, enter, names } = turns(1);
  enter("a");
  enter("b", 1, 100);
  enter("c", 1, 5_000);
  vi.advanceTimersByTime(100);
  expect(expired).toEqual(["b"]);
  all.leave(1);
  expect([names(), expired, vi.getTimerCount()]).toEqual(["ac", ["b"], 0]);
});
