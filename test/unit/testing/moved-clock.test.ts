import { expect, it } from "vitest";
import { MovedClock } from "../../../runtime/testing/moved-clock.ts";
import { fakeClock } from "../../support/fake-clock.ts";

const HOUR_MS = 3_600_000;
const { signal: never } = new AbortController();

function moved() {
  const machine = fakeClock();
  return { machine, clock: new MovedClock(machine) };
}

it("is the machine's until it is moved, and goes on beside it then", () => {
  const { machine, clock } = moved();
  expect(clock.nowMs()).toBe(machine.nowMs());
  clock.moveTo(clock.nowMs() + HOUR_MS);
  machine.advance(5);
  expect([clock.earliestMs(), clock.latestMs()]).toEqual([machine.nowMs() + HOUR_MS, machine.nowMs() + HOUR_MS]);
});

it("never goes back, and the server's word changes nothing", () => {
  const { machine, clock } = moved();
  clock.moveTo(clock.nowMs() + HOUR_MS);
  clock.moveTo(0);
  clock.observe(new Date(0).toISOString(), machine.monotonicMs());
  expect(clock.nowMs()).toBe(machine.nowMs() + HOUR_MS);
});

it("what was stored before a move is older by it, what was stored after it is not", () => {
  const { machine, clock } = moved();
  const beforeMs = machine.nowMs();
  machine.advance(10);
  clock.moveTo(clock.nowMs() + HOUR_MS);
  machine.advance(10);
  const afterMs = machine.nowMs();
  machine.advance(10);
  expect([clock.ageMs(beforeMs), clock.ageMs(afterMs)]).toEqual([30 + HOUR_MS, 10]);
});

it("who waits for a time goes on when a move has reached it, or time has", async () => {
  const { machine, clock } = moved();
  const ended: string[] = [];
  const wait = (name: string, inMs: number) =>
    clock.until(clock.nowMs() + inMs, new AbortController().signal).then(() => ended.push(name));
  const [near, soon, far] = [wait("near", HOUR_MS), wait("soon", 50), wait("far", 2 * HOUR_MS)];
  clock.moveTo(clock.nowMs() + HOUR_MS - 1);
  await soon;
  machine.advance(1);
  await near;
  expect(ended).toEqual(["soon", "near"]);
  expect(clock.waiters).toEqual({ begun: 3, atWork: 2 });
  clock.moveTo(clock.awaitedMs[0]!);
  await far;
  expect(machine.pending).toBe(0);
});

it("who waits again is at work no more, and who has stopped is forgotten", async () => {
  const { machine, clock } = moved();
  const stopping = new AbortController();
  const first = clock.until(clock.nowMs() + 10, stopping.signal);
  machine.advance(10);
  await first;
  expect(clock.waiters).toEqual({ begun: 1, atWork: 1 });
  const second = clock.until(clock.nowMs() + 10, stopping.signal);
  expect(clock.waiters).toEqual({ begun: 1, atWork: 0 });
  stopping.abort();
  await second;
  expect([clock.waiters.begun, machine.pending]).toEqual([0, 0]);
  await clock.until(clock.nowMs() + HOUR_MS, stopping.signal);
  expect(clock.waiters.begun).toBe(0);
});

it("nobody waits for what has come", async () => {
  const { machine, clock } = moved();
  const waiting = clock.until(clock.nowMs() - 1, never);
  expect(clock.waiters.atWork).toBe(1);
  machine.advance(1);
  await waiting;
});
