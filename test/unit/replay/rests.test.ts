import { expect, it } from "vitest";
import { Rests } from "../../../runtime/replay/rests.ts";
import { type FakeClock, fakeClock } from "../../support/fake-clock.ts";

/** How long a copy waits before it is sent. */
async function restOf(rests: Rests, clock: FakeClock): Promise<number> {
  let isOver = false;
  const over = rests.before().then(() => {
    isOver = true;
  });
  for (let passed = 0; ; passed++) {
    await Promise.resolve();
    await Promise.resolve();
    if (isOver) return over.then(() => passed);
    clock.advance(1);
  }
}

function stage({ signal }: { signal?: AbortSignal } = {}) {
  const clock = fakeClock();
  return { clock, rests: new Rests(clock, signal) };
}

it("does not rest before the first copies, of which nothing is known yet", async () => {
  const { rests, clock } = stage();
  expect(await restOf(rests, clock)).toBe(0);
  expect(await restOf(rests, clock)).toBe(0);
});

it("rests twice as long as the copies before have taken, a part before each", async () => {
  const { rests, clock } = stage();
  for (let copy = 0; copy < 4; copy++) await restOf(rests, clock);
  clock.advance(8);
  rests.turn();
  expect(await restOf(rests, clock)).toBe(4);
  expect(await restOf(rests, clock)).toBe(4);
});

it("does not take its own rests for work", async () => {
  const { rests, clock } = stage();
  await restOf(rests, clock);
  clock.advance(6);
  rests.turn();
  expect(await restOf(rests, clock)).toBe(12);
  clock.advance(1);
  rests.turn();
  expect(await restOf(rests, clock)).toBe(2);
});

it("rests no longer than 50 ms for all copies of a turn, however long the handler takes for them", async () => {
  const { rests, clock } = stage();
  for (let copy = 0; copy < 5; copy++) await restOf(rests, clock);
  clock.advance(60_000);
  rests.turn();
  expect(await restOf(rests, clock)).toBe(10);
});

it("rests as long before one copy when none was sent in the turn before, as others were on the way", async () => {
  const { rests, clock } = stage();
  clock.advance(10);
  rests.turn();
  expect(await restOf(rests, clock)).toBe(20);
});

it("rests no more once it is stopped", async () => {
  const stopping = new AbortController();
  const { rests, clock } = stage({ signal: stopping.signal });
  await restOf(rests, clock);
  clock.advance(10);
  rests.turn();
  const resting = rests.before();
  stopping.abort();
  await resting;
});
