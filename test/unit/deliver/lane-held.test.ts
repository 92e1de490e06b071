// L6: what the worker holds back behind another of its key.

import { beforeEach, expect, it } from "vitest";
import { Lane } from "../../../runtime/deliver/lane.ts";
import { NOBODYS_DEATH } from "../../../runtime/deliver/suspicions.ts";
import type { LeftBehind } from "../../../runtime/deliver/worker-place.ts";
import type { Delivery } from "../../../runtime/message/delivery.ts";
import type { WorkerExit } from "../../../runtime/message/outcome.ts";
import { type FakeClock, fakeClock } from "../../support/fake-clock.ts";

const CRASH: WorkerExit = { code: 1, signal: null, outOfMemory: false, killedBecause: undefined, lastOutput: [] };
const NO_BYTES = new Uint8Array(0);

let clock: FakeClock;
let lane: Lane;
let settled: string[];
let aborted: number[];
let left: { innocent: number[]; suspects: number[] } | undefined;

beforeEach(() => {
  clock = fakeClock();
  settled = [];
  aborted = [];
  left = undefined;
  const worker = {
    pid: 1,
    deliver: () => undefined,
    abort: (id: number) => aborted.push(id),
    whereBlocked: async () => undefined,
    terminate: () => lane.exited({ ...CRASH, killedBecause: "timeout" }),
  };
  const seqs = (deliveries: readonly Delivery[]) => deliveries.map(({ seq }) => seq);
  const owner = {
    settled: ({ seq }: Delivery, { kind }: { kind: string }, tookMs: number) =>
      settled.push(`${seq} ${kind} ${tookMs}`),
    chunk: () => undefined,
    progressed: () => undefined,
    inSlot: () => undefined,
    ended: (_lane: Lane, { innocent, suspects }: LeftBehind) => {
      left = { innocent: seqs(innocent), suspects: seqs(suspects) };
      return NOBODYS_DEATH;
    },
  };
  lane = new Lane(worker, { concurrency: 4, timeoutMs: 1_000, killGraceMs: 100 }, owner, clock);
});

/** Returns the ids, which count from 0. */
function handOver(...seqs: readonly number[]): void {
  for (const seq of seqs) {
    const delivery = { subject: "s", data: NO_BYTES, headers: undefined, seq, attempt: 1, hops: 0 };
    lane.handOver(delivery, clock.monotonicMs());
  }
}

it("waiting behind its key is no part of a message's timeout, and running afterwards is", () => {
  handOver(10, 11, 12);
  lane.held(1);
  lane.held(2);
  clock.advance(900);
  lane.done(0, 1);
  lane.begun(1);
  clock.advance(900);
  lane.done(1, 1);
  lane.begun(2);
  expect(aborted).toEqual([]);
  expect(settled).toEqual(["10 returned 900", "11 returned 900"]);
  clock.advance(1_000);
  expect(aborted).toEqual([2]);
});

it("one that began late does not hide the deadline of one handed over after it", () => {
  handOver(10, 11);
  lane.held(1);
  clock.advance(500);
  handOver(12);
  lane.done(0, 1);
  clock.advance(400);
  lane.begun(1);
  clock.advance(600);
  expect(aborted).toEqual([2]);
  clock.advance(50);
  lane.ended(2, { kind: "returned", reply: undefined });
  clock.advance(350);
  expect(aborted).toEqual([2, 1]);
});

it("when the worker dies, those held back have no part in it: the one that ran is charged", () => {
  handOver(10, 11, 12);
  lane.held(1);
  lane.held(2);
  lane.exited(CRASH);
  expect(settled).toEqual(["10 crashed 0"]);
  expect(left).toEqual({ innocent: [11, 12], suspects: [] });
});

it("when the worker is killed over the one that ran, those held back run again", () => {
  handOver(10, 11);
  lane.held(1);
  clock.advance(1_000);
  lane.alive();
  clock.advance(100);
  expect(settled).toEqual(["10 timed-out 1100"]);
  expect(left).toEqual({ innocent: [11], suspects: [] });
});
