import { beforeEach, describe, expect, it } from "vitest";
import { KeyPauses } from "../../../runtime/deliver/key-pauses.ts";
import type { Delivery } from "../../../runtime/message/delivery.ts";
import type { SlowDowns, SlowDownWords } from "../../../runtime/message/slow-down.ts";
import type { ResolvedMetadata } from "../../../runtime/metadata/handler-metadata.ts";
import { type FakeClock, fakeClock } from "../../support/fake-clock.ts";

const KEY = { wildcard: 0 } as const;
const METADATA = { subjects: ["t.*"], envelope: "none", maxQueued: 2 } as unknown as ResolvedMetadata;

let clock: FakeClock;
let told: SlowDownWords[];
let held: string[];
let began: number;
let again: string[];
let hear: (words: SlowDownWords) => void;
let pauses: KeyPauses;

beforeEach(() => {
  [clock, told, held, began, again] = [fakeClock(), [], [], 0, []];
  const slowDowns: SlowDowns = {
    tell: (_handler, words) => void told.push(words),
    watch(_handler, heard) {
      hear = heard;
      return () => {
        hear = () => undefined;
      };
    },
  };
  pauses = new KeyPauses({
    ...{ handler: "h", slowDowns, clock },
    holds: { begin: ({ text }) => void held.push(text), end: (reason) => void held.push(`${reason} ended`) },
    metadata: () => METADATA,
    onBegin: () => began++,
    again: ({ subject }) => void again.push(subject),
  });
});

const message = (key: string): Delivery => ({
  ...{ subject: `t.${key}`, data: Buffer.from(""), headers: undefined },
  ...{ seq: 1, attempt: 1, hops: 0 },
});
const ask = (key: string, delayMs: number, why = "429") => pauses.ask(message(key), { delayMs, why }, KEY);

describe("a pause of a key", () => {
  it("is of the messages that have it in common, for as long as was asked for, and other replicas are told", () => {
    expect(ask("a", 1_000)).toBe(true);
    expect([pauses.leftMs(message("a")), pauses.leftMs(message("b"))]).toEqual([1_000, 0]);
    expect(told).toEqual([{ delayMs: 1_000, why: "429", only: { key: KEY, value: "a" } }]);
    expect([began, held]).toEqual([1, [expect.stringMatching(/^messages of wildcard 0 "a" until .*Z \(429\) wait/)]]);
    clock.advance(999);
    expect(pauses.leftMs(message("a"))).toBe(1);
    clock.advance(1);
    expect([pauses.leftMs(message("a")), pauses.count, held.at(-1)]).toEqual([0, 0, "keys-slowed-down ended"]);
  });

  it("is that of another replica too, which is not told again; what is said of all messages is none", () => {
    hear({ delayMs: 500, why: "429", only: { key: KEY, value: "a" } });
    hear({ delayMs: 500, why: "429" });
    expect([pauses.leftMs(message("a")), pauses.leftMs(message("b")), told]).toEqual([500, 0, []]);
  });

  it("lasts until the latest end that was asked for; what asks for less is told to nobody", () => {
    ask("a", 1_000, "first");
    clock.advance(100);
    ask("a", 200, "less");
    ask("a", 2_000, "more");
    expect(pauses.leftMs(message("a"))).toBe(2_000);
    expect(told.map(({ why }) => why)).toEqual(["first", "more"]);
    clock.advance(2_000);
    expect([pauses.count, clock.pending]).toEqual([0, 0]);
  });

  it("may be said in several ways at a time, and names a few keys of many", () => {
    for (const key of "abcde") ask(key, 1_000);
    pauses.ask(message("x"), { delayMs: 500, why: "429" }, { header: "tenant" });
    expect(pauses.leftMs(message("y"))).toBe(500);
    expect(pauses.leftMs(message("c"))).toBe(1_000);
    expect(held.at(-1)).toMatch(/, and of 3 keys more wait/);
  });

  it("P2: keeps what nobody stores, as much as the queue takes, and hands it back when it ends", () => {
    ask("a", 1_000);
    expect(["a", "a", "a", "b"].map((key) => pauses.keep(message(key)))).toEqual([true, true, false, false]);
    ask("a", 2_000);
    clock.advance(1_000);
    expect([pauses.kept, again]).toEqual([2, []]);
    clock.advance(1_000);
    expect([pauses.kept, again]).toEqual([0, ["t.a", "t.a"]]);
  });

  it("that is closed ends at once, hears of nothing more, and what is asked for then is none", () => {
    ask("a", 1_000);
    pauses.keep(message("a"));
    pauses.close();
    expect([again, pauses.count, clock.pending]).toEqual([["t.a"], 0, 0]);
    expect([ask("a", 1_000), pauses.leftMs(message("a"))]).toEqual([false, 0]);
  });
});
