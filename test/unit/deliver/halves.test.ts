import { describe, expect, it } from "vitest";
import { afterBatch, halvesOf } from "../../../runtime/deliver/halves.ts";
import { type Outcome, RETURNED } from "../../../runtime/message/outcome.ts";
import { UNAVAILABLE } from "../../../runtime/message/unavailable.ts";

const error = (name = "Error") => ({ name, message: "no", stack: "" });
const THREW: Outcome = { kind: "threw", error: error() };
const NOBODY = new Map<number, Outcome>();
const upTo = (count: number) => Array.from({ length: count }, (_, at) => at);

/** Tries halves until all have ended; a batch fails when one of `bad` is in it. */
function search(count: number, bad: ReadonlySet<number>) {
  const ends = new Map<number, string[]>();
  let runs = 0;
  let steps = 0;
  for (let round: (readonly number[])[] = [upTo(count)]; round.length > 0; steps++) {
    const next: (readonly number[])[] = [];
    for (const batch of round) {
      runs++;
      const outcome = batch.some((member) => bad.has(member)) ? THREW : RETURNED;
      const { settled, again } = afterBatch(batch, NOBODY, outcome);
      for (const [member, { kind }] of settled) ends.set(member, [...(ends.get(member) ?? []), kind]);
      next.push(...again);
    }
    round = next;
  }
  const failed = [...ends].filter(([, kinds]) => kinds[0] === "threw").map(([member]) => member);
  failed.sort((a, b) => a - b);
  return { failed, ended: ends.size, endedOnce: [...ends.values()].every((kinds) => kinds.length === 1), runs, steps };
}

describe("a batch that failed as a whole", () => {
  it("is halved until the one that is to blame is alone, in as many steps as the number can be halved", () => {
    for (const [count, steps] of [
      [2, 2],
      [3, 3],
      [64, 7],
      [100, 8],
      [1_000, 11],
    ] as const) {
      for (const bad of [0, Math.floor(count / 2), count - 1]) {
        const found = search(count, new Set([bad]));
        expect(found).toMatchObject({ failed: [bad], ended: count, endedOnce: true });
        expect(found.steps).toBeLessThanOrEqual(steps);
        expect(found.runs).toBeLessThanOrEqual(2 * steps - 1);
      }
    }
  });

  it("finds each of several, and all when all are bad", () => {
    expect(search(100, new Set([3, 4, 99]))).toMatchObject({ failed: [3, 4, 99], ended: 100, endedOnce: true });
    expect(search(7, new Set(upTo(7)))).toMatchObject({ failed: upTo(7), runs: 13 });
  });

  it("charges the one message of a batch of one", () => {
    expect(afterBatch(["a"], NOBODY, THREW)).toEqual({ settled: [["a", THREW]], again: [] });
  });

  it.each<[string, Outcome]>([
    ["the author asks for a later run of all", { kind: "retry-later", delayMs: 5, error: error() }],
    ["the other side wants less", { kind: "slow-down", delayMs: 5, error: error() }],
    ["NATS was away", { kind: "threw", error: error(UNAVAILABLE) }],
  ])("is not searched when %s", (_, outcome) => {
    const ended = afterBatch(["a", "b"], NOBODY, outcome);
    expect(ended).toEqual({
      settled: [
        ["a", outcome],
        ["b", outcome],
      ],
      again: [],
    });
  });

  it("is searched when it gave up or was late: the others may well be handled", () => {
    for (const outcome of [
      { kind: "gave-up", error: error() },
      { kind: "timed-out", timeoutMs: 1, blocked: false },
    ] satisfies Outcome[])
      expect(afterBatch(["a", "b"], NOBODY, outcome)).toEqual({ settled: [], again: [["a"], ["b"]] });
  });
});

describe("messages that were named", () => {
  const named = new Map<number, Outcome>([[1, THREW]]);

  it("end as they were said to, beside others that returned", () => {
    const { settled, again } = afterBatch(["a", "b", "c"], named, RETURNED);
    expect(again).toEqual([]);
    expect(new Map(settled)).toEqual(
      new Map([
        ["a", RETURNED],
        ["b", THREW],
        ["c", RETURNED],
      ]),
    );
  });

  it("are not tried again with the halves", () => {
    const { settled, again } = afterBatch(["a", "b", "c"], named, THREW);
    expect({ settled, again }).toEqual({ settled: [["b", THREW]], again: [["a"], ["c"]] });
  });
});

it("halves differ by one at most", () => {
  expect(halvesOf([1, 2, 3, 4, 5])).toEqual([
    [1, 2, 3],
    [4, 5],
  ]);
});
