import { expect, test } from "vitest";
import { HandlerStats } from "../../../runtime/deliver/handler-stats.ts";
import type { Generation } from "../../../runtime/supervise/generation.ts";
import { RecycleWatch } from "../../../runtime/supervise/recycle-watch.ts";
import { fakeClock } from "../../support/fake-clock.ts";

function watching(recycle: { messages: number; ageMs: number }) {
  const clock = fakeClock();
  const stats = new HandlerStats();
  const watch = new RecycleWatch(clock, stats);
  let due = 0;
  watch.watch({ metadata: { recycle } } as unknown as Generation, () => {
    due++;
  });
  return { clock, stats, watch, due: () => due };
}

test("a version is due once after its messages, however they ended", () => {
  const { clock, stats, due } = watching({ messages: 3, ageMs: 0 });
  stats.count("returned", 1, 1, 0);
  stats.count("threw", 1, 1, 0);
  clock.advance(60_000);
  expect(due()).toBe(0);
  stats.count("returned", 1, 1, 0);
  clock.advance(5_000);
  expect(due()).toBe(1);
  expect(clock.pending).toBe(0);
});

test("a version is due once after its age", () => {
  const { clock, due } = watching({ messages: 0, ageMs: 10_000 });
  clock.advance(9_000);
  expect(due()).toBe(0);
  clock.advance(2_000);
  expect(due()).toBe(1);
});

test("a handler that asks for none is not watched", () => {
  expect(watching({ messages: 0, ageMs: 0 }).clock.pending).toBe(0);
});
