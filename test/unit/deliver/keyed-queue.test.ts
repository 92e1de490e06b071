import { beforeEach, describe, expect, it } from "vitest";
import { KeyedQueue, type KeyRules } from "../../../runtime/deliver/keyed-queue.ts";
import type { Delivery } from "../../../runtime/message/delivery.ts";
import { type FakeClock, fakeClock } from "../../support/fake-clock.ts";

let clock: FakeClock;
let opened: number;
let seq: number;

beforeEach(() => {
  clock = fakeClock();
  opened = 0;
  seq = 0;
});

/** Its subject is its key. */
const message = (subject: string): Delivery => ({
  ...{ subject, data: Buffer.from("x"), headers: undefined },
  ...{ seq: ++seq, attempt: 1, hops: 0 },
});

function queueWith(rules: Partial<KeyRules> = {}, maxQueued = 100, maxBytes = 1_000_000): KeyedQueue {
  const keyOf: KeyRules["keyOf"] = ({ subject }) => subject;
  return new KeyedQueue({
    rules: { keyOf, looksAhead: false, ...rules },
    ...{ maxQueued, maxBytes, clock },
    onOpen: () => opened++,
  });
}

function fill(queue: KeyedQueue, keys: string): Delivery[] {
  return [...keys].map((key) => {
    const delivery = message(key);
    expect(queue.push(delivery)).toBe(true);
    return delivery;
  });
}

function take(queue: KeyedQueue, most: number): Delivery[] {
  const taken: Delivery[] = [];
  while (taken.length < most && queue.first !== undefined) taken.push(queue.shift()!);
  return taken;
}

const keysOf = (deliveries: readonly Delivery[]) =>
  deliveries.map(({ subject, seq: at }) => `${subject}${at}`).join(" ");

describe("messages that wait by their keys", () => {
  it("K1: are served a key after the other, those of a key in their order", () => {
    const queue = queueWith();
    fill(queue, "aaaabbc");
    expect(keysOf(take(queue, 9))).toBe("a1 b5 c7 a2 b6 a3 a4");
    expect(queue.size).toBe(0);
  });

  it("K1: one of another key comes before the rest of a flood", () => {
    const queue = queueWith();
    fill(queue, "a".repeat(50));
    take(queue, 10);
    fill(queue, "b");
    expect(keysOf(take(queue, 2))).toBe("a11 b51");
  });

  it("K2: a key of which as many run as may lets the others pass, until one of it has ended", () => {
    const queue = queueWith({ most: 2 });
    fill(queue, "aaaab");
    const [first] = take(queue, 9);
    expect([queue.size, queue.first]).toEqual([2, undefined]);
    queue.ended(first!);
    expect(opened).toBe(1);
    expect(keysOf(take(queue, 9))).toBe("a3");
  });

  it("K2: a key that has no turn of its rate lets the others pass, and comes when it has one", () => {
    const queue = queueWith({ rate: { count: 10, everyMs: 1_000, per: "replica" } });
    fill(queue, "aab");
    expect(keysOf(take(queue, 9))).toBe("a1 b3");
    clock.advance(99);
    expect(opened).toBe(0);
    clock.advance(1);
    expect(opened).toBe(1);
    expect(keysOf(take(queue, 9))).toBe("a2");
    expect(clock.pending).toBe(0);
  });

  it("what is put back comes first of its key, in its order, and counts as not begun", () => {
    const queue = queueWith({ most: 2 });
    fill(queue, "aaab");
    const taken = take(queue, 9);
    expect(keysOf(taken)).toBe("a1 b4 a2");
    queue.putBack(taken);
    expect(queue.size).toBe(4);
    expect(keysOf(take(queue, 9))).toBe("a1 b4 a2");
  });

  it("all that wait can be taken out, and leave nothing behind", () => {
    const queue = queueWith({ rate: { count: 1, everyMs: 60_000, per: "replica" } });
    fill(queue, "aaab");
    take(queue, 9);
    expect(queue.takeAll()).toHaveLength(2);
    expect([queue.size, clock.pending, queue.room(5)]).toEqual([0, 0, 5]);
    fill(queue, "c");
    expect(keysOf(take(queue, 9))).toBe("c5");
  });
});

describe("room", () => {
  it("is what is free, whatever waits for its turn: that holds no place", () => {
    const queue = queueWith({ most: 1 });
    fill(queue, "aaa");
    take(queue, 9);
    expect(queue.room(4)).toBe(4);
    fill(queue, "b");
    expect(queue.room(4)).toBe(3);
  });

  it("of one that looks past floods is there also where nothing is free, as far as number and bytes go", () => {
    const queue = queueWith({ looksAhead: true }, 2_000, 1_000_000);
    expect(queue.room(0)).toBe(15);
    fill(queue, "a");
    expect(queue.room(0)).toBe(1_024);
    fill(queue, "a".repeat(1_500));
    expect(queue.room(0)).toBe(499);
    fill(queue, "a".repeat(499));
    expect([queue.room(0), queue.push(message("b"))]).toEqual([0, false]);
  });
});
