// L8 and D7: messages whose function has returned, and that are settled later.

import { beforeEach, describe, expect, it } from "vitest";
import { Dispatcher } from "../../../runtime/deliver/dispatcher.ts";
import { Suspicions } from "../../../runtime/deliver/suspicions.ts";
import type { WorkerPlace } from "../../../runtime/deliver/worker-place.ts";
import type { Delivery } from "../../../runtime/message/delivery.ts";
import { NOT_ITS_FAULT, type Outcome, RETURNED, type WorkerExit } from "../../../runtime/message/outcome.ts";
import { type FakeClock, fakeClock } from "../../support/fake-clock.ts";

const CRASH: WorkerExit = { code: 1, signal: null, outOfMemory: false, killedBecause: undefined, lastOutput: [] };
const LIMITS = {
  ...{ concurrency: 1, timeoutMs: 1_000, killGraceMs: 100, maxQueued: 10, maxQueuedBytes: 1_000 },
  ...{ prefetch: false, ordered: false },
};

let clock: FakeClock;
let dispatcher: Dispatcher;
let settled: string[];
let inSlot: string[];

beforeEach(() => {
  clock = fakeClock();
  settled = [];
  inSlot = [];
  const owner = {
    settled: ({ seq }: Delivery, outcome: Outcome, tookMs: number) => settled.push(`${seq} ${outcome.kind} ${tookMs}`),
    inSlot: ({ seq }: Delivery, isInSlot: boolean) => inSlot.push(`${seq} ${isInSlot ? "in" : "out"}`),
    chunk: () => undefined,
    halved: () => undefined,
    wake: () => undefined,
    roomChanged: () => undefined,
  };
  dispatcher = new Dispatcher(LIMITS, owner, new Suspicions(["s:"], new Map()), clock);
});

interface Opened {
  readonly lane: WorkerPlace;
  readonly handed: string[];
  readonly aborted: string[];
}

function open(): Opened {
  const [handed, aborted]: [string[], string[]] = [[], []];
  const lane = dispatcher.lane({
    pid: 1,
    deliver: (id, { seq }) => handed.push(`${seq} as ${id}`),
    deliverBatch: () => undefined,
    abort: (id, why) => aborted.push(`${id} ${why}`),
    whereBlocked: async () => undefined,
    terminate: () => lane.exited(CRASH),
  });
  dispatcher.ready(lane);
  return { lane, handed, aborted };
}

function deliver(...seqs: readonly number[]): void {
  for (const seq of seqs)
    dispatcher.accept({ subject: `s.${seq}`, data: Buffer.from("x"), headers: undefined, seq, attempt: 1, hops: 0 });
}

describe("what is deferred", () => {
  it("frees its slot, and is settled when the worker says so", () => {
    const { lane, handed } = open();
    deliver(1, 2);
    expect([handed, dispatcher.room]).toEqual([["1 as 0"], 0]);
    lane.deferred?.(0, 60_000);
    expect(handed).toEqual(["1 as 0", "2 as 1"]);
    expect([dispatcher.inFlight, dispatcher.deferrals]).toEqual([1, 1]);
    lane.done(1, 1);
    expect([dispatcher.room, dispatcher.inFlight, dispatcher.idleForMs]).toEqual([1, 0, 0]);
    clock.advance(5_000);
    lane.ended(0, RETURNED);
    expect(settled).toEqual(["2 returned 0", "1 returned 5000"]);
    expect(inSlot).toEqual(["1 out", "1 in"]);
    expect([dispatcher.inFlight, dispatcher.deferrals, dispatcher.room, clock.pending]).toEqual([0, 0, 1, 0]);
  });

  it("has no timeout any more, but a lease: at its end it has timed out, and no worker is killed", () => {
    const { lane, aborted } = open();
    deliver(1);
    clock.advance(900);
    lane.deferred?.(0, 5_000);
    clock.advance(4_999);
    expect([settled, aborted]).toEqual([[], []]);
    clock.advance(1);
    expect(settled).toEqual(["1 timed-out 5900"]);
    expect(aborted).toEqual(["0 timeout"]);
    clock.advance(60_000);
    expect([settled.length, dispatcher.inFlight, clock.pending]).toEqual([1, 0, 0]);
  });

  it("F2: keeps its number until the worker has let go of it, so that no other message ends in its place", async () => {
    const { lane, handed } = open();
    deliver(1);
    lane.deferred?.(0, 1_000);
    clock.advance(1_000);
    await lane.empty();
    deliver(2);
    expect(handed).toEqual(["1 as 0", "2 as 1"]);
    lane.ended(0, { kind: "threw", error: { name: "Error", message: "late", stack: "" } });
    lane.done(0, 1);
    lane.done(1, 1);
    expect(settled).toEqual(["1 timed-out 1000", "2 returned 0"]);
    expect(dispatcher.inFlight).toBe(0);
  });

  it("each lease ends at its own time", () => {
    const { lane } = open();
    deliver(1, 2, 3);
    lane.deferred?.(0, 3_000);
    lane.deferred?.(1, 1_000);
    lane.deferred?.(2, 2_000);
    clock.advance(1_000);
    expect(settled).toEqual(["2 timed-out 1000"]);
    lane.done(2, 1);
    clock.advance(2_000);
    expect(settled).toEqual(["2 timed-out 1000", "3 returned 1000", "1 timed-out 3000"]);
  });

  it("is listed among what runs, and is cancelled at once", async () => {
    const { lane, aborted } = open();
    deliver(1, 2);
    lane.deferred?.(0, 60_000);
    const running = dispatcher.lanes.running().map(({ delivery, isDeferred = false }) => [delivery.seq, isDeferred]);
    expect(running).toEqual([
      [1, true],
      [2, false],
    ]);
    expect(dispatcher.lanes.describeInFlight()).toEqual(["s.2", "s.1"]);
    await dispatcher.lanes.cancel(({ seq }) => seq === 1, "ana");
    expect([settled, aborted]).toEqual([["1 cancelled 0"], ["0 cancelled"]]);
  });

  it("keeps its worker until it is settled, and the end of all work waits for it", async () => {
    const { lane } = open();
    deliver(1);
    lane.deferred?.(0, 60_000);
    let ended: string[] = [];
    const retired = dispatcher.retire(lane).then(() => ended.push("retired"));
    const finished = dispatcher.finished().then(() => ended.push("finished"));
    await new Promise(setImmediate);
    expect(ended).toEqual([]);
    lane.done(0, 1);
    await Promise.all([retired, finished]);
    expect(ended.length).toBe(2);
    ended = [];
  });

  it("that came too late for its timeout is not deferred: it has timed out when its worker lets go", () => {
    const { lane } = open();
    deliver(1);
    clock.advance(1_000);
    lane.deferred?.(0, 60_000);
    lane.done(0, 1);
    expect(settled).toEqual(["1 timed-out 1000"]);
  });
});

describe("the end of the worker", () => {
  it("charges it nothing while something else was in hand: it goes back to the queue", () => {
    const { lane } = open();
    deliver(1, 2, 3);
    lane.deferred?.(0, 60_000);
    lane.deferred?.(1, 60_000);
    lane.exited(CRASH);
    expect(settled).toEqual(["3 crashed 0"]);
    expect([dispatcher.queued, dispatcher.inFlight, dispatcher.deferrals, clock.pending]).toEqual([2, 0, 0, 0]);
    const { handed } = open();
    expect(handed).toEqual(["1 as 0"]);
  });

  it("charges one that was alone, unless it was ended from outside", () => {
    const { lane } = open();
    deliver(1);
    lane.deferred?.(0, 60_000);
    lane.exited({ ...CRASH, killedBecause: NOT_ITS_FAULT });
    expect([settled, dispatcher.queued]).toEqual([[], 1]);
    const second = open();
    second.lane.deferred?.(0, 60_000);
    second.lane.exited(CRASH);
    expect([settled, dispatcher.queued, dispatcher.inFlight]).toEqual([["1 crashed 0"], 0, 0]);
  });

  it("charges none of several of which nobody knows which it was", () => {
    const { lane } = open();
    deliver(1, 2);
    lane.deferred?.(0, 60_000);
    lane.deferred?.(1, 60_000);
    lane.exited(CRASH);
    expect([settled, dispatcher.queued, dispatcher.inFlight]).toEqual([[], 2, 0]);
  });
});
