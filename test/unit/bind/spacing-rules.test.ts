// Row by row of the tables in the header of spacing-rules.ts.

import { describe, expect, test } from "vitest";
import {
  type DebounceMark,
  debounced,
  type SpacedMessage,
  SUPERSEDED,
  throttled,
} from "../../../runtime/bind/spacing-rules.ts";

function message(seq: number, more: Partial<SpacedMessage> = {}): SpacedMessage {
  return { id: `S:${seq}`, seq, storedAtMs: 1_000 + seq, reply: `ack.${seq}`, deliveries: 1, uncharged: 0, ...more };
}

function markOf(seq: number, more: Partial<DebounceMark> = {}): DebounceMark {
  const { id, storedAtMs, reply } = message(seq);
  return { id, seq, storedAtMs, reply, sinceMs: 10_000, dueMs: 15_000, putOff: 1, due: [], ...more };
}

const WAIT = { waitMs: 5_000 };

describe("debounce", () => {
  test("the first message of a key is marked, and put off for its quiet time", () => {
    expect(debounced(undefined, message(1), WAIT, 10_000)).toEqual({
      mark: markOf(1),
      spaced: { do: "put-off", delayMs: 5_000 },
      supersedes: undefined,
    });
  });

  test("a newer one that comes while it waits takes its place, and waits anew", () => {
    expect(debounced(markOf(1), message(2), WAIT, 12_000)).toEqual({
      mark: markOf(2, { dueMs: 17_000 }),
      spaced: { do: "put-off", delayMs: 5_000 },
      supersedes: "ack.1",
    });
  });

  test("at the latest `max` after the first that waited", () => {
    const rule = { waitMs: 5_000, maxMs: 8_000 };
    expect(debounced(markOf(1), message(2), rule, 14_000)).toMatchObject({
      mark: { sinceMs: 10_000, dueMs: 18_000 },
      spaced: { do: "put-off", delayMs: 4_000 },
    });
    expect(debounced(markOf(2, { dueMs: 18_000 }), message(3), rule, 17_999.5).spaced).toEqual({
      do: "put-off",
      delayMs: 1,
    });
  });

  test("one that comes when the time of the marked one has come is the first of others, and lets that run", () => {
    const { mark, supersedes } = debounced(markOf(1), message(2), WAIT, 15_000);
    const due = [{ id: "S:1", putOff: 1 }];
    expect(mark).toEqual(markOf(2, { sinceMs: 15_000, dueMs: 20_000, due }));
    expect(supersedes).toBeUndefined();
    // It comes back a moment later; or was given back once, before it was run.
    const run = { spaced: { do: "run", putOff: 1 } };
    expect(debounced(mark, message(1, { deliveries: 2 }), WAIT, 15_001)).toEqual(run);
    expect(debounced(mark, message(1, { deliveries: 3, uncharged: 2 }), WAIT, 15_001)).toEqual(run);
  });

  test("but once that has been run, the newer one stands for its retries", () => {
    const mark = markOf(2, { due: [{ id: "S:1", putOff: 1 }] });
    expect(debounced(mark, message(1, { deliveries: 3 }), WAIT, 15_001)).toEqual({ spaced: SUPERSEDED });
  });

  test("those whose time had come are remembered, some of them", () => {
    const due = [1, 2, 3, 4].map((at) => ({ id: `S:${9 - at}`, putOff: 1 }));
    const { mark } = debounced(markOf(9, { due }), message(10), WAIT, 15_000);
    expect(mark?.due.map(({ id }) => id)).toEqual(["S:9", "S:8", "S:7", "S:6"]);
  });

  test("the marked one runs at its time, or a moment before, and for its retries after that", () => {
    for (const nowMs of [14_980, 15_000, 90_000])
      expect(debounced(markOf(1, { putOff: 2 }), message(1), WAIT, nowMs)).toEqual({
        spaced: { do: "run", putOff: 2 },
      });
  });

  test("the marked one that comes too early is put off for the rest, which is no attempt either", () => {
    expect(debounced(markOf(1), message(1, { reply: "ack.1b" }), WAIT, 14_000)).toEqual({
      mark: markOf(1, { reply: "ack.1b", putOff: 2 }),
      spaced: { do: "put-off", delayMs: 1_000 },
    });
  });

  test("an older one is let pass, also for a retry, by the order of its stream", () => {
    expect(debounced(markOf(2), message(1), WAIT, 10_000)).toEqual({ spaced: SUPERSEDED });
    expect(debounced(markOf(2), message(1, { deliveries: 3 }), WAIT, 90_000)).toEqual({ spaced: SUPERSEDED });
    const sameTime = { storedAtMs: 1_002 };
    expect(debounced(markOf(2), message(1, sameTime), WAIT, 10_000)).toEqual({ spaced: SUPERSEDED });
    expect(debounced(markOf(2), message(3, sameTime), WAIT, 10_000).mark).toMatchObject({ seq: 3 });
  });

  test("in a stream that was made anew, numbers begin again, and what was stored later is newer", () => {
    expect(debounced(markOf(900), message(1, { storedAtMs: 5_000 }), WAIT, 20_000).mark).toMatchObject({ seq: 1 });
  });
});

describe("throttle", () => {
  const EVERY = { everyMs: 60_000 };
  const RUN = { do: "run", putOff: 0 };

  test("the first one is marked and runs", () => {
    expect(throttled(undefined, message(1), EVERY, 10_000)).toEqual({
      mark: { atMs: 10_000, ids: ["S:1"] },
      spaced: RUN,
    });
  });

  test("others are let pass until the time is over, and the next one is the first of another time", () => {
    const mark = { atMs: 10_000, ids: ["S:1"] };
    expect(throttled(mark, message(2), EVERY, 69_999)).toEqual({
      spaced: { do: "let-pass", why: "`throttle`: one of its key was run less than 60000 ms before it" },
    });
    expect(throttled(mark, message(3), EVERY, 70_000)).toEqual({
      mark: { atMs: 70_000, ids: ["S:3", "S:1"] },
      spaced: RUN,
    });
  });

  test("what was decided on runs when it comes again, also when another one was run since", () => {
    expect(throttled({ atMs: 70_000, ids: ["S:3", "S:1"] }, message(1), EVERY, 70_001)).toEqual({ spaced: RUN });
  });

  test("a retry runs, however many were run since", () => {
    expect(throttled({ atMs: 70_000, ids: ["S:3"] }, message(1, { deliveries: 2 }), EVERY, 70_001)).toEqual({
      spaced: RUN,
    });
  });

  test("no more ids are kept than that", () => {
    const ids = Array.from({ length: 8 }, (_, at) => `S:${8 - at}`);
    expect(throttled({ atMs: 0, ids }, message(9), EVERY, 70_000).mark?.ids).toEqual(["S:9", ...ids.slice(0, 7)]);
  });
});
