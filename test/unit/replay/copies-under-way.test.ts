import { setImmediate as turn } from "node:timers/promises";
import { expect, it } from "vitest";
import { CopiesUnderWay } from "../../../runtime/replay/copies-under-way.ts";
import { type FakeClock, fakeClock } from "../../support/fake-clock.ts";

const MIB = 1024 ** 2;

/** Time passes, and what waits for it goes on meanwhile. */
async function pass(clock: FakeClock, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 10) {
    clock.advance(10);
    await turn();
  }
}

function stage({ most = 4, waiting = 0 } = {}) {
  const clock = fakeClock();
  const stopping = new AbortController();
  const told = { waiting, stalls: 0, looks: 0 };
  const way = new CopiesUnderWay({
    clock,
    most,
    signal: stopping.signal,
    waiting: async () => {
      told.looks++;
      return told.waiting;
    },
    onStall: () => told.stalls++,
  });
  return { clock, stopping, told, way };
}

it("is full when as many were added as may be on the way", () => {
  const { way } = stage({ most: 2 });
  way.add(1);
  expect(way.isFull(1)).toBe(false);
  way.add(1);
  expect(way.isFull(1)).toBe(true);
});

it("is full when those on the way are large, but takes one of any size", () => {
  const { way } = stage();
  expect(way.isFull(64 * MIB)).toBe(false);
  way.add(20 * MIB);
  expect(way.isFull(12 * MIB)).toBe(false);
  expect(way.isFull(13 * MIB)).toBe(true);
});

it("has room once the handler is done with one", async () => {
  const { way, told, clock } = stage({ most: 2, waiting: 2 });
  way.add(1);
  way.add(1);
  let isThere = false;
  const room = way.room(1).then(() => {
    isThere = true;
  });
  await pass(clock, 1_000);
  expect(isThere).toBe(false);
  told.waiting = 1;
  await pass(clock, 1_000);
  await room;
  way.add(1);
  expect(way.isFull(1)).toBe(true);
});

it("has more of them under way at a time when a slow handler was done with all of them, and fewer when it is quick", async () => {
  const { way, told, clock } = stage({ most: 40 });
  const fill = () => {
    let added = 0;
    for (; !way.isFull(1); added++) way.add(1);
    return added;
  };
  const handled = async (afterMs: number) => {
    told.waiting = 40;
    const room = way.room(1);
    await pass(clock, afterMs);
    told.waiting = 0;
    await pass(clock, 200);
    await room;
  };
  expect([fill(), way.lot]).toEqual([8, 2]);
  told.waiting = 5;
  await way.room(1);
  expect(fill()).toBe(3);
  for (const most of [16, 32, 40, 40]) {
    await handled(100);
    expect([fill(), way.lot]).toEqual([most, most / 4]);
  }
  for (const most of [20, 10, 8, 8]) {
    told.waiting = 0;
    await way.room(1);
    expect(fill()).toBe(most);
  }
  expect(clock.pending).toBe(0);
});

it("what others have sent that way counts", async () => {
  const { way, told, clock } = stage({ most: 3, waiting: 3 });
  const room = way.room(1);
  await pass(clock, 1_000);
  told.waiting = 2;
  await pass(clock, 1_000);
  await room;
  way.add(1);
  expect(way.isFull(1)).toBe(true);
});

it("says when nothing moves, again and again, and asks less often then", async () => {
  const { way, told, clock, stopping } = stage({ most: 1, waiting: 1 });
  const room = way.room(1);
  await pass(clock, 4_000);
  expect(told.stalls).toBe(0);
  await pass(clock, 12_000);
  expect(told.stalls).toBeGreaterThan(1);
  expect(told.looks).toBeLessThan(100);
  stopping.abort();
  await room;
});
