// What is to be done next about the ordered streams of a handler, by what there is of them. Pure.
//
// U1  What is in a stream that is fed no more is handled before the other one is begun, and then it goes.
// U2  A stream that is fed, and divided otherwise than wanted, is fed no more: the next one goes on where its copying has stopped.
// U3  Of two versions that want it otherwise, the one that came up later decides; the other follows. So replicas of both can
//     run side by side, and all take from the same stream.

import { type CopyFrom, type Division, isSameDivision, isSameSource, type OrderedStream } from "./ordered-stream.ts";

export interface Standing extends OrderedStream {
  /** Messages in it that are not settled. */
  readonly left: number;
  /** The copied stream's number that its copying has come to; undefined: it has copied none. */
  readonly copiedTo: number | undefined;
}

export interface OrderWish {
  /** `partitions` 0: in any order. */
  readonly division: Division;
  /** Since when this version is here. */
  readonly sinceMs: number;
  /** Where it begins if there has been none. */
  readonly from: CopyFrom;
  /** The two names. */
  readonly names: readonly [string, string];
  /** Whether streams may be made, changed and removed. */
  readonly mayChange: boolean;
}

export type OrderStep =
  | { readonly do: "take"; readonly stream: OrderedStream }
  | { readonly do: "make"; readonly name: string; readonly from: CopyFrom }
  | { readonly do: "feed-no-more"; readonly name: string }
  | { readonly do: "remove"; readonly name: string }
  /** There is none, and none may be made. */
  | { readonly do: "give-up" }
  /** The handler wants no order any more, and what there was is handled: up to this number of its stream. */
  | { readonly do: "leave"; readonly settledTo: number };

export function nextStep(standing: readonly Standing[], wish: OrderWish): OrderStep {
  const { division } = wish;
  const oldestFirst = [...standing].sort((a, b) => a.createdAtMs - b.createdAtMs);
  const [left, emptied] = [
    oldestFirst.find((one) => !one.isFed && one.left > 0),
    oldestFirst.filter((one) => !one.isFed),
  ];
  const fed = oldestFirst.filter(({ isFed }) => isFed);
  if (left !== undefined) return { do: "take", stream: left }; // U1
  const [current, ...later] = fed;
  if (division.partitions === 0) return withoutOrder(current, emptied, wish);
  if (current === undefined) return begun(emptied, wish);
  if (!wish.mayChange) return { do: "take", stream: current };
  if (later.length > 0) return { do: "feed-no-more", name: current.name };
  const [done] = emptied;
  if (done !== undefined) return { do: "remove", name: done.name };
  return isFine(current, wish) ? { do: "take", stream: current } : { do: "feed-no-more", name: current.name };
}

function withoutOrder(fed: Standing | undefined, emptied: readonly Standing[], wish: OrderWish): OrderStep {
  if (fed !== undefined) {
    return wish.mayChange ? { do: "feed-no-more", name: fed.name } : { do: "take", stream: fed };
  }
  const settled = emptied
    .filter(({ division }) => isSameSource(division, wish.division))
    .map(({ copiedTo }) => copiedTo ?? 0);
  return { do: "leave", settledTo: Math.max(0, ...settled) };
}

/** Nothing is fed: one is made, to go on where the last one stopped. */
function begun(emptied: readonly Standing[], wish: OrderWish): OrderStep {
  if (!wish.mayChange) return { do: "give-up" };
  const last = emptied.at(-1);
  const [done] = emptied;
  if (emptied.length > 1 && done !== undefined) return { do: "remove", name: done.name };
  const name = wish.names.find((one) => one !== last?.name) ?? wish.names[0];
  return { do: "make", name, from: goingOn(last, wish) };
}

/** What has been handled in another way since then is not handled again. */
function goingOn(last: Standing | undefined, { division, from }: OrderWish): CopyFrom {
  if (last?.copiedTo === undefined || !isSameSource(last.division, division)) return from;
  const next = last.copiedTo + 1;
  return { sequence: "sequence" in from ? Math.max(from.sequence, next) : next };
}

/** U3. */
function isFine(stream: OrderedStream, { division, sinceMs }: OrderWish): boolean {
  if (isSameDivision(stream.division, division)) return true;
  return stream.createdAtMs > sinceMs && isSameSource(stream.division, division);
}
