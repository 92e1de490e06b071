// L7: what an operator cancels.

import { beforeEach, expect, it } from "vitest";
import { Lane } from "../../../runtime/deliver/lane.ts";
import { NOBODYS_DEATH } from "../../../runtime/deliver/suspicions.ts";
import type { LeftBehind } from "../../../runtime/deliver/worker-place.ts";
import type { Delivery } from "../../../runtime/message/delivery.ts";
import type { Outcome, WorkerExit } from "../../../runtime/message/outcome.ts";
import { type FakeClock, fakeClock } from "../../support/fake-clock.ts";

const KILLED: WorkerExit = {
  code: null,
  signal: "SIGKILL",
  outOfMemory: false,
  killedBecause: undefined,
  lastOutput: [],
};
const NO_BYTES = new Uint8Array(0);

let clock: FakeClock;
let lane: Lane;
let settled: { seq: number; outcome: Outcome }[];
let aborted: string[];
let left: { innocent: number[]; suspects: number[]; byOperator: boolean } | undefined;

beforeEach(() => {
  clock = fakeClock();
  settled = [];
  aborted = [];
  left = undefined;
  const worker = {
    pid: 1,
    deliver: () => undefined,
    abort: (id: number, why: string) => aborted.push(`${id} ${why}`),
    whereBlocked: async () => "    at spin (handlers/loop.ts:3:5)",
    terminate: (killedBecause?: string) => lane.exited({ ...KILLED, killedBecause }),
  };
  const seqs = (deliveries: readonly Delivery[]) => deliveries.map(({ seq }) => seq);
  const owner = {
    settled: ({ seq }: Delivery, outcome: Outcome) => settled.push({ seq, outcome }),
    chunk: () => undefined,
    progressed: () => undefined,
    inSlot: () => undefined,
    ended: (_lane: Lane, { innocent, suspects, endedBy }: LeftBehind) => {
      left = { innocent: seqs(innocent), suspects: seqs(suspects), byOperator: endedBy === "operator" };
      return NOBODYS_DEATH;
    },
  };
  lane = new Lane(worker, { concurrency: 3, timeoutMs: 1_000, killGraceMs: 100 }, owner, clock);
});

/** Returns the ids, which count from 0. */
function handOver(...seqs: readonly number[]): void {
  for (const seq of seqs) {
    const delivery = { subject: "s", data: NO_BYTES, headers: undefined, seq, attempt: 1, hops: 0 };
    lane.handOver(delivery, clock.monotonicMs());
  }
}

const cancel = (seq: number) => lane.cancel((delivery) => delivery.seq === seq, "ana");
const ends = () => settled.map(({ seq, outcome }) => `${seq} ${outcome.kind}`);

it("one that lets go ends as cancelled, whatever it returns, and its worker goes on", async () => {
  handOver(10, 11);
  const ended = cancel(10);
  expect(aborted).toEqual(["0 cancelled"]);
  lane.done(0, 2);
  await ended;
  expect(settled[0]?.outcome).toEqual({ kind: "cancelled", by: "ana", blocked: false });
  expect(ends()).toEqual(["10 cancelled", "11 returned"]);
  clock.advance(10_000);
  expect(left).toBeUndefined();
});

it("one that does not let go costs its worker, which charges that one alone", async () => {
  handOver(10, 11, 12);
  const ended = cancel(11);
  lane.alive();
  clock.advance(100);
  await ended;
  expect(ends()).toEqual(["11 cancelled"]);
  expect(left).toEqual({ innocent: [10, 12], suspects: [], byOperator: true });
});

it("also one that blocks its worker among others is charged alone, and says where it was", async () => {
  handOver(10, 11);
  const ended = cancel(10);
  clock.advance(50);
  await Promise.resolve();
  clock.advance(50);
  await ended;
  expect(settled[0]?.outcome).toEqual({
    kind: "cancelled",
    by: "ana",
    blocked: true,
    stack: "    at spin (handlers/loop.ts:3:5)",
  });
  expect(left).toEqual({ innocent: [11], suspects: [], byOperator: true });
});

it("one whose time is up beside a cancelled one that blocks runs again, alone: it may have had no chance", async () => {
  handOver(10, 11);
  clock.advance(1_000);
  const ended = cancel(10);
  clock.advance(100);
  await ended;
  expect(ends()).toEqual(["10 cancelled"]);
  expect(left).toEqual({ innocent: [], suspects: [11], byOperator: true });
});

it("a worker that ends by itself meanwhile charges the cancelled one alone", async () => {
  handOver(10, 11);
  const ended = cancel(10);
  lane.exited(KILLED);
  await ended;
  expect(ends()).toEqual(["10 cancelled"]);
  expect(left).toEqual({ innocent: [11], suspects: [], byOperator: true });
});

it("twice is once; and what waits, or has ended, is not there to be cancelled", async () => {
  handOver(10, 11, 12, 13);
  lane.held(1);
  expect(cancel(13)).toBeUndefined();
  expect(cancel(11)).toBeUndefined();
  expect(cancel(99)).toBeUndefined();
  expect(cancel(10)).toBe(cancel(10));
  lane.done(0, 1);
  expect(cancel(10)).toBeUndefined();
  expect(ends()).toEqual(["10 cancelled"]);
  expect(lane.running().map(({ delivery }) => delivery.seq)).toEqual([12, 13]);
});
