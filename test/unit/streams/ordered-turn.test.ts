import { describe, expect, it } from "vitest";
import { nextStep, type OrderWish, type Standing } from "../../../runtime/streams/ordered-turn.ts";

const DIVISION = { subject: "shop.*.changed", source: "SHOP", sourceCreated: "monday", wildcard: 0, partitions: 8 };
const WISH: OrderWish = {
  division: DIVISION,
  sinceMs: 1_000,
  from: { sequence: 1 },
  names: ["a", "b"],
  mayChange: true,
};

function stream(name: string, changes: Partial<Standing> = {}): Standing {
  const base = { name, division: DIVISION, createdAtMs: 500, isFed: true, begunWith: 1, left: 0, copiedTo: undefined };
  return { ...base, ...changes };
}

const otherwise = { ...DIVISION, partitions: 3 };

describe("what is done next about the ordered streams of a handler", () => {
  it("where there is none, one is made, to begin where the handler's metadata says", () => {
    expect(nextStep([], WISH)).toEqual({ do: "make", name: "a", from: { sequence: 1 } });
  });

  it("one that is divided as wanted is taken from", () => {
    const fed = stream("a");
    expect(nextStep([fed], WISH)).toEqual({ do: "take", stream: fed });
  });

  it("U2: one that is divided otherwise is fed no more, and the next one goes on where it has stopped", () => {
    const old = stream("a", { division: otherwise });
    expect(nextStep([old], WISH)).toEqual({ do: "feed-no-more", name: "a" });
    const stopped = stream("a", { division: otherwise, isFed: false, copiedTo: 40 });
    expect(nextStep([stopped], WISH)).toEqual({ do: "make", name: "b", from: { sequence: 41 } });
  });

  it("U1: what is left in the one that is fed no more is handled first; then it goes, and the other is taken from", () => {
    const stopped = stream("a", { division: otherwise, isFed: false, copiedTo: 40, left: 2 });
    const fed = stream("b", { createdAtMs: 900 });
    expect(nextStep([fed, stopped], WISH)).toEqual({ do: "take", stream: stopped });
    expect(nextStep([fed, { ...stopped, left: 0 }], WISH)).toEqual({ do: "remove", name: "a" });
    expect(nextStep([fed], WISH)).toEqual({ do: "take", stream: fed });
  });

  it("U3: a version that came up before the stream was made follows it, and one that came up later does not", () => {
    const ofAnother = stream("b", { division: otherwise, createdAtMs: 2_000 });
    expect(nextStep([ofAnother], WISH)).toEqual({ do: "take", stream: ofAnother });
    expect(nextStep([ofAnother], { ...WISH, sinceMs: 3_000 })).toEqual({ do: "feed-no-more", name: "b" });
  });

  it("a stream that was removed and made anew is copied from its first message, whoever came up first", () => {
    const madeAnew: OrderWish = { ...WISH, division: { ...DIVISION, sourceCreated: "tuesday" } };
    const old = stream("a", { createdAtMs: 2_000 });
    expect(nextStep([old], madeAnew)).toEqual({ do: "feed-no-more", name: "a" });
    const stopped = { ...old, isFed: false, copiedTo: 40 };
    expect(nextStep([stopped], madeAnew)).toEqual({ do: "make", name: "b", from: { sequence: 1 } });
  });

  it("of two that are fed, as a backup may have it, the older is fed no more", () => {
    expect(nextStep([stream("b", { createdAtMs: 900 }), stream("a")], WISH)).toEqual({ do: "feed-no-more", name: "a" });
  });

  it("a handler that ran without an order since then does not begin before where it is now", () => {
    const stopped = stream("a", { isFed: false, copiedTo: 40 });
    const later: OrderWish = { ...WISH, from: { sequence: 70 } };
    expect(nextStep([stopped], later)).toEqual({ do: "make", name: "b", from: { sequence: 70 } });
  });

  it("without the right to change streams what is there is taken, however it is divided; and nothing is not enough", () => {
    const bound: OrderWish = { ...WISH, mayChange: false };
    const fed = stream("a", { division: otherwise });
    expect(nextStep([fed], bound)).toEqual({ do: "take", stream: fed });
    expect(nextStep([], bound)).toEqual({ do: "give-up" });
  });

  it("a handler that wants no order any more has what is left in it, and then its own stream from there on", () => {
    const without: OrderWish = { ...WISH, division: { ...DIVISION, partitions: 0 } };
    const fed = stream("a");
    expect(nextStep([fed], without)).toEqual({ do: "feed-no-more", name: "a" });
    const stopped = { ...fed, isFed: false, copiedTo: 40, left: 1 };
    expect(nextStep([stopped], without)).toEqual({ do: "take", stream: stopped });
    expect(nextStep([{ ...stopped, left: 0 }], without)).toEqual({ do: "leave", settledTo: 40 });
  });
});
