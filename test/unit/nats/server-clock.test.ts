import { expect, it } from "vitest";
import { ServerClock } from "../../../runtime/nats/server-clock.ts";
import { type FakeClock, fakeClock } from "../../support/fake-clock.ts";

const HOUR_MS = 3_600_000;

/** A machine whose clock is wrong by so much; the server's is the fake one. */
function skewed(skewMs: number): {
  server: FakeClock;
  told: number[];
  time: ServerClock;
  answer: (tripMs: number) => void;
} {
  const server = fakeClock();
  server.advance(1_000 * HOUR_MS);
  const told: number[] = [];
  const ours = { ...server, nowMs: () => server.nowMs() + skewMs };
  const time = new ServerClock(ours, (ms) => told.push(Math.round(ms)));
  const answer = (tripMs: number) => {
    const askedAtMs = server.monotonicMs();
    server.advance(tripMs / 2);
    const stamp = new Date(server.nowMs()).toISOString();
    server.advance(tripMs / 2);
    time.observe(stamp, askedAtMs);
  };
  return { server, told, time, answer };
}

it("until the server has told its time, ours has to do", () => {
  const { server, time } = skewed(2 * HOUR_MS);
  time.observe(undefined, server.monotonicMs());
  expect(time.nowMs()).toBe(server.nowMs() + 2 * HOUR_MS);
});

it.each([2 * HOUR_MS, -2 * HOUR_MS])(
  "with a clock that is wrong by %d ms the server's time holds, and it is told once",
  (skewMs) => {
    const { server, told, time, answer } = skewed(skewMs);
    answer(200);
    expect(time.nowMs()).toBe(server.nowMs());
    server.advance(HOUR_MS);
    expect(time.nowMs()).toBe(server.nowMs());
    answer(10);
    expect(told).toEqual([skewMs]);
  },
);

it("an answer that was long on its way changes nothing, and a small difference is not told", () => {
  const { server, told, time, answer } = skewed(1_000);
  answer(4_000);
  expect(time.nowMs()).toBe(server.nowMs() + 1_000);
  answer(2);
  expect(time.nowMs()).toBe(server.nowMs());
  expect(told).toEqual([]);
});

it("its time lies between what each answer allows, and answers narrow it (T3)", () => {
  const { server, time, answer } = skewed(2 * HOUR_MS);
  expect([time.earliestMs(), time.latestMs()]).toEqual([server.nowMs() + 2 * HOUR_MS, server.nowMs() + 2 * HOUR_MS]);
  answer(200);
  expect([time.earliestMs(), time.latestMs()]).toEqual([server.nowMs() - 100, server.nowMs() + 101]);
  answer(10);
  server.advance(HOUR_MS);
  expect([time.earliestMs(), time.latestMs()]).toEqual([server.nowMs() - 5, server.nowMs() + 6]);
  answer(400);
  expect([time.earliestMs(), time.latestMs()]).toEqual([server.nowMs() - 5, server.nowMs() + 6]);
});

it("an answer that does not fit to those before says that a clock was set", () => {
  const { server, time, answer } = skewed(0);
  answer(10);
  const askedAtMs = server.monotonicMs();
  server.advance(10);
  time.observe(new Date(server.nowMs() - HOUR_MS).toISOString(), askedAtMs);
  expect(time.earliestMs()).toBe(server.nowMs() - HOUR_MS);
});
