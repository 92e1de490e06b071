// Batches between a dispatcher and a worker; the test says what the worker does.

import { beforeEach, describe, expect, test } from "vitest";
import type { BatchLimits } from "../../../runtime/deliver/batch-lane.ts";
import { Dispatcher } from "../../../runtime/deliver/dispatcher.ts";
import type { DispatcherLimits } from "../../../runtime/deliver/dispatcher-limits.ts";
import { Suspicions } from "../../../runtime/deliver/suspicions.ts";
import type { WorkerPlace } from "../../../runtime/deliver/worker-place.ts";
import type { Delivery } from "../../../runtime/message/delivery.ts";
import { NOT_ITS_FAULT, type Outcome, RETURNED, type WorkerExit } from "../../../runtime/message/outcome.ts";
import type { WorkerPort } from "../../../runtime/message/worker-port.ts";
import { type FakeClock, fakeClock } from "../../support/fake-clock.ts";

const CRASH: WorkerExit = { code: 1, signal: null, outOfMemory: false, killedBecause: undefined, lastOutput: [] };
const THREW: Outcome = { kind: "threw", error: { name: "Error", message: "no", stack: "" } };
const BATCH: BatchLimits = { size: 4, waitMs: 200, concurrency: 1, timeoutMs: 1_000, killGraceMs: 100 };

interface Ran {
  readonly id: number;
  readonly seqs: number[];
}

class BatchWorker implements WorkerPort {
  readonly pid = 1;
  readonly ran: Ran[] = [];
  readonly again: number[] = [];
  readonly aborted: number[] = [];
  terminated: string | undefined;
  deliver(): void {
    throw new Error("it takes batches");
  }
  deliverBatch(id: number, deliveries: readonly Delivery[]): void {
    this.ran.push({ id, seqs: deliveries.map(({ seq }) => seq) });
    this.again.push(...deliveries.filter(({ again }) => again === true).map(({ seq }) => seq));
  }
  abort(id: number): void {
    this.aborted.push(id);
  }
  async whereBlocked(): Promise<undefined> {}
  terminate(because = ""): void {
    this.terminated = because;
  }
  get batches(): number[][] {
    return this.ran.map(({ seqs }) => seqs);
  }
}

let clock: FakeClock;
let settled: [seq: number, outcome: Outcome["kind"]][];
let halved: number[];

beforeEach(() => {
  clock = fakeClock();
  settled = [];
  halved = [];
});

function stage(batch: Partial<BatchLimits> = {}, limits: Partial<DispatcherLimits> = {}) {
  const rule = { ...BATCH, ...batch };
  const { size, concurrency, timeoutMs, killGraceMs } = rule;
  const dispatcher = new Dispatcher(
    {
      ...{ concurrency: size * concurrency, batch: rule, timeoutMs, killGraceMs, prefetch: false, ordered: false },
      ...{ maxQueued: 1_000, maxQueuedBytes: 100 * 1024 * 1024 },
      ...limits,
    },
    {
      settled: ({ seq }, { kind }) => settled.push([seq, kind]),
      chunk: () => undefined,
      halved: (count) => halved.push(count),
      wake: () => undefined,
      roomChanged: () => undefined,
    },
    new Suspicions(["s:"], new Map()),
    clock,
  );
  return { dispatcher, ...open(dispatcher) };
}

function open(dispatcher: Dispatcher): { worker: BatchWorker; lane: WorkerPlace } {
  const worker = new BatchWorker();
  const lane = dispatcher.lane(worker);
  dispatcher.ready(lane);
  return { worker, lane };
}

function deliver(dispatcher: Dispatcher, seqs: readonly number[], bytes = 1, subject = "s"): void {
  for (const seq of seqs) {
    const arrivedAtMs = clock.monotonicMs();
    dispatcher.accept({
      subject,
      data: Buffer.alloc(bytes),
      headers: undefined,
      seq,
      attempt: 1,
      hops: 0,
      arrivedAtMs,
    });
  }
}

const upTo = (count: number) => Array.from({ length: count }, (_, at) => at + 1);
/** The dispatcher reads the clock once for all that arrives in one turn. */
const nextTurn = () => Promise.resolve();

function returned(lane: WorkerPlace, worker: BatchWorker): void {
  lane.done(worker.ran.at(-1)!.id, 1);
}

/** Runs everything, a batch with one of `bad` in it fails. */
function runAll(lane: WorkerPlace, worker: BatchWorker, bad: ReadonlySet<number>): void {
  for (let at = 0; at < worker.ran.length; at++) {
    const { id, seqs } = worker.ran[at]!;
    lane.ended(id, seqs.some((seq) => bad.has(seq)) ? THREW : RETURNED);
  }
}

describe("B1: a batch begins", () => {
  test("when it is full", () => {
    const { dispatcher, worker } = stage();
    deliver(dispatcher, [1, 2, 3]);
    expect(worker.batches).toEqual([]);
    deliver(dispatcher, [4, 5]);
    expect(worker.batches).toEqual([[1, 2, 3, 4]]);
  });

  test("when its first message has waited for so long, and not for the one after it", () => {
    const { dispatcher, worker, lane } = stage();
    deliver(dispatcher, [1]);
    clock.advance(150);
    deliver(dispatcher, [2]);
    clock.advance(49);
    expect(worker.batches).toEqual([]);
    clock.advance(1);
    expect(worker.batches).toEqual([[1, 2]]);
    returned(lane, worker);
    expect(settled).toEqual([
      [1, "returned"],
      [2, "returned"],
    ]);
  });

  test("with all that wait, when the one before it has ended and they have waited long enough", async () => {
    const { dispatcher, worker, lane } = stage();
    deliver(dispatcher, [1, 2, 3, 4, 5, 6]);
    clock.advance(500);
    await nextTurn();
    returned(lane, worker);
    clock.advance(0);
    expect(worker.batches).toEqual([
      [1, 2, 3, 4],
      [5, 6],
    ]);
  });

  test("when it has 8 MB, however few they are", () => {
    const { dispatcher, worker } = stage();
    deliver(dispatcher, [1], 5 * 1024 * 1024);
    expect(worker.batches).toEqual([]);
    deliver(dispatcher, [2], 3 * 1024 * 1024);
    expect(worker.batches).toEqual([[1, 2]]);
  });

  test("beside others, as far as `concurrency` goes", () => {
    const { dispatcher, worker, lane } = stage({ concurrency: 2 });
    deliver(dispatcher, upTo(12));
    expect(worker.batches).toEqual([
      [1, 2, 3, 4],
      [5, 6, 7, 8],
    ]);
    lane.done(worker.ran[1]!.id, 1);
    expect(worker.batches[2]).toEqual([9, 10, 11, 12]);
  });

  test("at once when nothing more comes", async () => {
    const { dispatcher, worker, lane } = stage();
    deliver(dispatcher, upTo(6));
    const finished = dispatcher.finished();
    returned(lane, worker);
    expect(worker.batches).toEqual([
      [1, 2, 3, 4],
      [5, 6],
    ]);
    returned(lane, worker);
    await finished;
  });
});

describe("B2: a message that is named", () => {
  test("ends by itself, once, and the others as the batch", () => {
    const { dispatcher, worker, lane } = stage();
    deliver(dispatcher, upTo(4));
    lane.named?.(worker.ran[0]!.id, 2, THREW);
    returned(lane, worker);
    expect(settled.sort()).toEqual([
      [1, "returned"],
      [2, "returned"],
      [3, "threw"],
      [4, "returned"],
    ]);
    expect(dispatcher.inFlight).toBe(0);
  });

  test("that the batch does not have is a breach of the protocol", () => {
    const { dispatcher, worker, lane } = stage();
    deliver(dispatcher, upTo(4));
    expect(() => lane.named?.(worker.ran[0]!.id, 4, THREW)).toThrow(RangeError);
  });
});

describe("B3: a batch that fails", () => {
  test("is halved before anything else runs, and charges the one to blame alone", () => {
    const { dispatcher, worker, lane } = stage();
    deliver(dispatcher, upTo(8));
    runAll(lane, worker, new Set([3]));
    expect(worker.batches).toEqual([[1, 2, 3, 4], [1, 2], [3, 4], [3], [4], [5, 6, 7, 8]]);
    expect(settled.filter(([, kind]) => kind === "threw")).toEqual([[3, "threw"]]);
    expect(settled).toHaveLength(8);
    expect(halved).toEqual([4]);
  });

  test("says of those that run again that they may have published before", () => {
    const { dispatcher, worker, lane } = stage();
    deliver(dispatcher, upTo(4));
    lane.ended(worker.ran[0]!.id, THREW);
    expect(worker.again).toEqual([1, 2]);
  });

  test("is late as a whole, and its halves have the whole time again", () => {
    const { dispatcher, worker, lane } = stage({ size: 2 });
    deliver(dispatcher, [1, 2]);
    clock.advance(1_000);
    expect(worker.aborted).toEqual([worker.ran[0]!.id]);
    returned(lane, worker);
    expect(worker.batches).toEqual([[1, 2], [1]]);
    clock.advance(999);
    returned(lane, worker);
    expect(settled).toEqual([[1, "returned"]]);
  });
});

describe("B4: a worker that dies", () => {
  test("makes suspects of its batch, which run alone and at once; what was gathered is innocent", () => {
    const { dispatcher, worker, lane } = stage();
    deliver(dispatcher, upTo(6));
    expect(worker.batches).toEqual([[1, 2, 3, 4]]);
    lane.exited(CRASH);
    expect(settled).toEqual([]);
    const next = open(dispatcher);
    for (const seq of [1, 2, 3, 4]) {
      expect(next.worker.batches.at(-1)).toEqual([seq]);
      returned(next.lane, next.worker);
    }
    clock.advance(200);
    expect(next.worker.batches.at(-1)).toEqual([5, 6]);
  });

  test("of a message that is alone charges it, and nobody else", () => {
    const { dispatcher, worker, lane } = stage({ size: 2 });
    deliver(dispatcher, [1, 2, 3]);
    lane.exited(CRASH);
    const second = open(dispatcher);
    expect(second.worker.batches).toEqual([[1]]);
    second.lane.exited(CRASH);
    expect(settled).toEqual([[1, "crashed"]]);
    expect(second.lane.death).toMatchObject({ of: "message", explains: true });
    const third = open(dispatcher);
    runAll(third.lane, third.worker, new Set());
    clock.advance(200);
    runAll(third.lane, third.worker, new Set());
    expect(settled.slice(1)).toEqual([
      [2, "returned"],
      [3, "returned"],
    ]);
    expect(worker.batches).toEqual([[1, 2]]);
  });

  test("that was killed over a batch past its time makes suspects of it too", () => {
    const { dispatcher, worker, lane } = stage({ size: 2 });
    deliver(dispatcher, [1, 2]);
    clock.advance(1_100);
    expect(worker.terminated).toBeDefined();
    lane.exited({ ...CRASH, killedBecause: worker.terminated });
    expect(settled).toEqual([]);
    expect(open(dispatcher).worker.batches).toEqual([[1]]);
  });

  test("through no fault of what it had leaves all of it innocent", () => {
    const { dispatcher, lane } = stage();
    deliver(dispatcher, upTo(6));
    lane.exited({ ...CRASH, killedBecause: NOT_ITS_FAULT });
    expect(open(dispatcher).worker.batches).toEqual([[1, 2, 3, 4]]);
    expect([dispatcher.inFlight, dispatcher.queued]).toEqual([4, 2]);
  });
});

describe("with a key", () => {
  const keyed = (batch: Partial<BatchLimits> = {}, mostInHand = 12) =>
    stage({ keyOf: ({ subject }) => subject, mostInHand, ...batch }, { concurrency: mostInHand });

  test("only messages that have it in common are in one batch, and each key has a wait of its own", async () => {
    const { dispatcher, worker, lane } = keyed({ concurrency: 3 });
    deliver(dispatcher, [1, 2], 1, "a");
    clock.advance(150);
    await nextTurn();
    deliver(dispatcher, [3, 4], 1, "b");
    clock.advance(50);
    expect(worker.batches).toEqual([[1, 2]]);
    clock.advance(149);
    expect(worker.batches).toEqual([[1, 2]]);
    clock.advance(1);
    expect(worker.batches).toEqual([
      [1, 2],
      [3, 4],
    ]);
    for (const { id } of worker.ran) lane.done(id, 1);
    expect(settled).toHaveLength(4);
    expect(dispatcher.inFlight).toBe(0);
  });

  test("a batch that is full begins, and the others gather on", () => {
    const { dispatcher, worker } = keyed();
    deliver(dispatcher, [1], 1, "a");
    deliver(dispatcher, [2, 3, 4, 5], 1, "b");
    expect(worker.batches).toEqual([[2, 3, 4, 5]]);
    expect(dispatcher.inFlight).toBe(5);
  });

  test("keys have turns: one that has more than a batch takes goes behind those that are ready", () => {
    const { dispatcher, worker, lane } = keyed({}, 24);
    deliver(dispatcher, upTo(12), 1, "a");
    deliver(dispatcher, [13, 14, 15, 16], 1, "b");
    for (let ended = 0; ended < 3; ended++) returned(lane, worker);
    expect(worker.batches).toEqual([
      [1, 2, 3, 4],
      [5, 6, 7, 8],
      [13, 14, 15, 16],
      [9, 10, 11, 12],
    ]);
  });

  test("B6: the fullest begins when as many are in hand as may be, as no more can come", () => {
    const { dispatcher, worker, lane } = keyed({}, 6);
    deliver(dispatcher, [1], 1, "a");
    deliver(dispatcher, [2, 3], 1, "b");
    deliver(dispatcher, [4], 1, "c");
    deliver(dispatcher, [5], 1, "d");
    expect(worker.batches).toEqual([]);
    deliver(dispatcher, [6, 7], 1, "e");
    expect(worker.batches).toEqual([[2, 3]]);
    expect(dispatcher.queued).toBe(1);
    // What there is room for then joins its own.
    returned(lane, worker);
    expect(worker.batches).toEqual([[2, 3]]);
    deliver(dispatcher, [8], 1, "f");
    expect(worker.batches.at(-1)).toEqual([6, 7]);
  });

  test("halves of a batch that has failed keep out those of other keys", () => {
    const { dispatcher, worker, lane } = keyed();
    deliver(dispatcher, upTo(4), 1, "a");
    deliver(dispatcher, [5], 1, "b");
    clock.advance(200);
    runAll(lane, worker, new Set([2]));
    expect(worker.batches).toEqual([[1, 2, 3, 4], [1, 2], [3, 4], [1], [2], [5]]);
  });

  test("what a worker has gathered of several keys goes back when it is retired", () => {
    const { dispatcher, worker, lane } = keyed();
    deliver(dispatcher, [1], 1, "a");
    deliver(dispatcher, [2], 1, "b");
    void dispatcher.retire(lane);
    expect([dispatcher.inFlight, dispatcher.queued]).toEqual([0, 2]);
    const next = open(dispatcher);
    clock.advance(200);
    returned(next.lane, next.worker);
    expect([worker.batches, next.worker.batches]).toEqual([[], [[1], [2]]]);
  });
});

describe("a version that is replaced", () => {
  test("finishes the batch that has begun, and the next one has what was gathered", async () => {
    const { dispatcher, worker, lane } = stage();
    deliver(dispatcher, [1, 2]);
    clock.advance(200);
    deliver(dispatcher, [3]);
    await nextTurn();
    const next = open(dispatcher);
    const retired = dispatcher.retire(lane);
    await nextTurn();
    clock.advance(200);
    expect([worker.batches, next.worker.batches]).toEqual([[[1, 2]], [[3]]]);
    returned(lane, worker);
    await retired;
    expect(settled).toHaveLength(2);
  });
});

describe("a handler that pauses", () => {
  test("begins no batch of what it has gathered before it goes on", async () => {
    const { dispatcher, worker, lane } = stage();
    deliver(dispatcher, [1, 2]);
    clock.advance(200);
    deliver(dispatcher, [3]);
    dispatcher.slow(true);
    returned(lane, worker);
    clock.advance(1_000);
    await nextTurn();
    expect(worker.batches).toEqual([[1, 2]]);
    expect([dispatcher.inFlight, dispatcher.queued]).toEqual([0, 1]);
    dispatcher.slow(false);
    clock.advance(0);
    expect(worker.batches.at(-1)).toEqual([3]);
  });
});

test("there is room for as many messages as the batches take that run at a time", () => {
  const { dispatcher } = stage({ concurrency: 2 });
  expect(dispatcher.room).toBe(8);
  deliver(dispatcher, upTo(3));
  expect(dispatcher.room).toBe(5);
});

describe("B5: a message that is cancelled", () => {
  const meant = (seq: number) => (delivery: Delivery) => delivery.seq === seq;

  test("ends so, whatever is said of it later, and the others of its batch run again", async () => {
    const { dispatcher, worker, lane } = stage({ size: 3 });
    deliver(dispatcher, [1, 2, 3]);
    const cancelled = dispatcher.lanes.cancel(meant(2), "eva");
    expect(worker.aborted).toEqual([worker.ran[0]!.id]);
    lane.named?.(worker.ran[0]!.id, 1, THREW);
    returned(lane, worker);
    await cancelled;
    expect(settled).toEqual([[2, "cancelled"]]);
    expect(worker.batches).toEqual([
      [1, 2, 3],
      [1, 3],
    ]);
    returned(lane, worker);
    expect(settled).toHaveLength(3);
    expect(halved).toEqual([]);
  });

  test("whose worker will not let go of it costs the worker, and charges none of the others", () => {
    const { dispatcher, worker, lane } = stage({ size: 3 });
    deliver(dispatcher, [1, 2, 3]);
    void dispatcher.lanes.cancel(meant(2), "eva");
    clock.advance(100);
    expect(worker.terminated).toBeDefined();
    lane.exited({ ...CRASH, killedBecause: worker.terminated });
    expect(settled).toEqual([[2, "cancelled"]]);
    const next = open(dispatcher);
    for (let at = 0; at < 2; at++) {
      clock.advance(200);
      returned(next.lane, next.worker);
    }
    expect(next.worker.batches).toEqual([[1], [3]]);
  });

  test("which no longer runs is not found", () => {
    const { dispatcher } = stage();
    deliver(dispatcher, [1]);
    expect(dispatcher.lanes.cancel(meant(1), "eva")).toBeUndefined();
  });
});
