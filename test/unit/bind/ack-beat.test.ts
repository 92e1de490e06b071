import { beforeEach, expect, it } from "vitest";
import { AckBeat, beatMs } from "../../../runtime/bind/ack-beat.ts";
import type { StreamDelivery } from "../../../runtime/bind/stream-delivery.ts";
import { type FakeClock, fakeClock } from "../../support/fake-clock.ts";

let clock: FakeClock;
let inHand: StreamDelivery[];
let told: unknown[];
let beat: AckBeat;

beforeEach(() => {
  [clock, inHand, told] = [fakeClock(), [], []];
  beat = new AckBeat(
    clock,
    () => new Map(inHand.map((delivery) => [delivery.seq, delivery])),
    ({ seq }) => void told.push(seq),
  );
  beat.start();
});

const arrive = (seq: number) => void inHand.push({ seq, round: beat.round } as StreamDelivery);

it.each([
  ["of 30 s", 30e9, 10_000],
  ["of 2 s", 2e9, 2_000 / 3],
  ["of five minutes", 300e9, 10_000],
  ["of next to nothing", 1e6, 100],
  ["that is not said", undefined, 10_000],
])("an ack wait %s", (_name, ackWaitNs, everyMs) => {
  expect(beatMs(ackWaitNs)).toBe(everyMs);
});

it("tells of what was in hand at the beat before", () => {
  arrive(1);
  clock.advance(10_000);
  arrive(2);
  expect(told).toEqual([]);
  clock.advance(10_000);
  expect(told).toEqual([1]);
  clock.advance(10_000);
  expect(told).toEqual([1, 1, 2]);
});

it("an ack wait that is lowered is followed at once, for everything in hand", () => {
  arrive(1);
  clock.advance(1_000);
  beat.adopt({ ack_wait: 3e9 });
  expect(told).toEqual([1]);
  clock.advance(1_000);
  expect(told).toEqual([1, 1]);
  beat.adopt({ ack_wait: 3e9 });
  expect(told).toEqual([1, 1]);
});

it("one that is raised is followed too", () => {
  beat.adopt({ ack_wait: 3e9 });
  arrive(1);
  beat.adopt({ ack_wait: 30e9 });
  clock.advance(9_000);
  expect(told).toEqual([]);
});

it("stopped, it tells of nothing, whatever the consumer is set to", () => {
  beat.stop();
  arrive(1);
  beat.adopt({ ack_wait: 3e9 });
  clock.advance(60_000);
  expect(told).toEqual([]);
});

it("B3: a flood is told of little by little, all of it well before the next beat", () => {
  for (let seq = 0; seq < 100_000; seq++) arrive(seq);
  clock.advance(20_000);
  expect(told.length).toBeLessThanOrEqual(200);
  clock.advance(1_000);
  expect(told.length).toBeGreaterThan(15_000);
  expect(told.length).toBeLessThan(25_000);
  clock.advance(5_000);
  expect(new Set(told).size).toBe(100_000);
  beat.stop();
  expect(clock.pending).toBe(0);
});
