import { expect, test } from "vitest";
import { createConcurrencyLimit, type Gate, type Place } from "../../../runtime/supervise/concurrency-limit.ts";
import { Superseded } from "../../../runtime/supervise/superseded.ts";

/** Steps that say when they begin, and end when told to. */
function steps(gate: Gate) {
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  function enterFrom(place: Place, name: string, signal = new AbortController().signal): Promise<void> {
    return place.enter(() => {
      begun.push(name);
      return new Promise<void>((resolve) => ends.set(name, resolve));
    }, signal);
  }
  return {
    begun,
    enterFrom,
    /** Queue, run, leave. */
    enter(name: string, dueSinceMs: number, signal?: AbortSignal): Promise<void> {
      const place = gate.queue(dueSinceMs);
      return enterFrom(place, name, signal).finally(() => place.leave());
    },
    async end(name: string) {
      ends.get(name)?.();
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

test("so many run at once; of those that wait the one is next that is due the longest", async () => {
  const { begun, enter, end } = steps(createConcurrencyLimit(1));
  void enter("first", 5);
  void enter("late", 9);
  void enter("early", 2);
  await expect.poll(() => begun).toEqual(["first"]);
  await end("first");
  expect(begun).toEqual(["first", "early"]);
  await end("early");
  expect(begun).toEqual(["first", "early", "late"]);
});

test("one that becomes pointless while it waits leaves at once, and never begins", async () => {
  const { begun, enter, end } = steps(createConcurrencyLimit(1));
  void enter("first", 1);
  await expect.poll(() => begun).toEqual(["first"]);
  const pointless = new AbortController();
  const refused = enter("second", 2, pointless.signal);
  void enter("third", 3);
  pointless.abort();
  await expect(refused).rejects.toThrow(Superseded);
  await end("first");
  expect(begun).toEqual(["first", "third"]);
});

test("one that was pointless before does not begin, and takes no place", async () => {
  const { begun, enter } = steps(createConcurrencyLimit(1));
  await expect(enter("first", 1, AbortSignal.abort())).rejects.toThrow(Superseded);
  void enter("second", 2);
  expect(begun).toEqual([]);
  await new Promise((resolve) => setImmediate(resolve));
  expect(begun).toEqual(["second"]);
});

test("a step that throws makes room for the next", async () => {
  const gate = createConcurrencyLimit(1);
  const { signal } = new AbortController();
  const place = gate.queue(1);
  await expect(place.enter(() => Promise.reject(new Error("no")), signal)).rejects.toThrow("no");
  expect(await place.enter(async () => "next", signal)).toBe("next");
});

test("one who is due longer and not ready yet has a place kept free, until it enters or leaves", async () => {
  const gate = createConcurrencyLimit(2);
  const { begun, enter, enterFrom, end } = steps(gate);
  const [old, older] = [gate.queue(2), gate.queue(1)];
  void enter("young", 3);
  await end("nobody");
  expect(begun).toEqual([]);
  void enterFrom(old, "old");
  await expect.poll(() => begun).toEqual(["old"]);
  older.leave();
  await expect.poll(() => begun).toEqual(["old", "young"]);
});

test("who is superseded keeps the place for who takes over", async () => {
  const gate = createConcurrencyLimit(1);
  const { begun, enter, enterFrom, end } = steps(gate);
  void enter("first", 0);
  await expect.poll(() => begun).toEqual(["first"]);
  const place = gate.queue(1);
  const newer = new AbortController();
  const superseded = enterFrom(place, "second, old code", newer.signal);
  void enter("third", 2);
  newer.abort();
  await expect(superseded).rejects.toThrow(Superseded);
  await end("first");
  expect(begun).toEqual(["first"]);
  void enterFrom(place, "second, new code");
  await expect.poll(() => begun).toEqual(["first", "second, new code"]);
});

test("a place that was left and is entered all the same is gone afterwards", async () => {
  const gate = createConcurrencyLimit(1);
  const { begun, enter, enterFrom } = steps(gate);
  const place = gate.queue(1);
  place.leave();
  await expect(enterFrom(place, "late", AbortSignal.abort())).rejects.toThrow(Superseded);
  void enter("next", 2);
  await expect.poll(() => begun).toEqual(["next"]);
});
