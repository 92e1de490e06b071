import { beforeEach, describe, expect, test } from "vitest";
import { CountedTurns } from "../../../runtime/deliver/counted-turns.ts";
import { Dispatcher } from "../../../runtime/deliver/dispatcher.ts";
import type { DispatcherLimits } from "../../../runtime/deliver/dispatcher-limits.ts";
import { type SuspicionMemory, Suspicions } from "../../../runtime/deliver/suspicions.ts";
import type { WorkerPlace } from "../../../runtime/deliver/worker-place.ts";
import type { Delivery } from "../../../runtime/message/delivery.ts";
import { NOT_ITS_FAULT, type Outcome, RETURNED, type WorkerExit } from "../../../runtime/message/outcome.ts";
import type { WorkerPort } from "../../../runtime/message/worker-port.ts";
import { type FakeClock, fakeClock } from "../../support/fake-clock.ts";

const CRASH: WorkerExit = { code: 1, signal: null, outOfMemory: false, killedBecause: undefined, lastOutput: [] };
const LIMITS: DispatcherLimits = {
  concurrency: 2,
  timeoutMs: 1_000,
  killGraceMs: 100,
  maxQueued: 10,
  maxQueuedBytes: 1_000,
  prefetch: false,
  ordered: false,
};

class FakeWorker implements WorkerPort {
  readonly pid = 1;
  readonly handed: { id: number; seq: number }[] = [];
  readonly aborted: number[] = [];
  terminated = false;
  deliver(id: number, { seq }: Delivery): void {
    this.handed.push({ id, seq });
  }
  deliverBatch(): void {
    throw new Error("nothing here takes batches");
  }
  abort(id: number): void {
    this.aborted.push(id);
  }
  whereBlocked(): Promise<string> {
    return Promise.resolve("    at spin (handlers/loop.ts:3:5)");
  }
  terminate(): void {
    this.terminated = true;
  }
  get seqs(): number[] {
    return this.handed.map(({ seq }) => seq);
  }
}

let clock: FakeClock;
let settled: { seq: number; outcome: Outcome["kind"]; blocked?: boolean }[];
let wakes: number;
let memory: SuspicionMemory;

beforeEach(() => {
  clock = fakeClock();
  settled = [];
  wakes = 0;
  memory = new Map();
});

function dispatcherWith(limits: Partial<DispatcherLimits> = {}): Dispatcher {
  return new Dispatcher(
    { ...LIMITS, ...limits },
    {
      settled: ({ seq }, outcome) =>
        settled.push({
          seq,
          outcome: outcome.kind,
          ...(outcome.kind === "timed-out" ? { blocked: outcome.blocked } : {}),
        }),
      chunk: () => undefined,
      halved: () => undefined,
      wake: () => wakes++,
      roomChanged: () => undefined,
    },
    new Suspicions(["s:"], memory),
    clock,
  );
}

function open(dispatcher: Dispatcher): { worker: FakeWorker; lane: WorkerPlace } {
  const worker = new FakeWorker();
  const lane = dispatcher.lane(worker);
  dispatcher.ready(lane);
  return { worker, lane };
}

function deliver(dispatcher: Dispatcher, ...seqs: number[]): boolean[] {
  return seqs.map((seq) =>
    dispatcher.accept({ subject: "s", data: Buffer.from("x"), headers: undefined, seq, attempt: 1, hops: 0 }),
  );
}

/** The dispatcher reads the clock once for all that arrives in one turn. */
const nextTurn = () => Promise.resolve();

describe("handing over", () => {
  test("runs at most `concurrency` at a time, in order, and the next when one has ended", () => {
    const dispatcher = dispatcherWith();
    const { worker, lane } = open(dispatcher);
    deliver(dispatcher, 1, 2, 3, 4);
    expect(worker.seqs).toEqual([1, 2]);
    lane.done(0, 1);
    expect(worker.seqs).toEqual([1, 2, 3]);
    expect(settled).toEqual([{ seq: 1, outcome: "returned" }]);
  });

  test("asks for a worker when there is none, and keeps what waits for it", () => {
    const dispatcher = dispatcherWith();
    deliver(dispatcher, 1, 2);
    expect(wakes).toBeGreaterThan(0);
    expect(open(dispatcher).worker.seqs).toEqual([1, 2]);
  });

  test("refuses what goes beyond the queue's number or bytes", () => {
    const dispatcher = dispatcherWith({ maxQueued: 2 });
    expect(deliver(dispatcher, 1, 2, 3)).toEqual([true, true, false]);
    expect(deliver(dispatcherWith({ maxQueuedBytes: 1 }), 1, 2)).toEqual([true, false]);
  });

  test("shares between two workers by what they have in hand", () => {
    const dispatcher = dispatcherWith();
    const [a, b] = [open(dispatcher), open(dispatcher)];
    deliver(dispatcher, 1, 2, 3, 4);
    expect([a.worker.seqs.length, b.worker.seqs.length]).toEqual([2, 2]);
  });

  test("hands nothing over while held, and goes on when resumed", () => {
    const dispatcher = dispatcherWith();
    const { worker } = open(dispatcher);
    dispatcher.hold();
    deliver(dispatcher, 1);
    expect(worker.seqs).toEqual([]);
    dispatcher.resume();
    expect(worker.seqs).toEqual([1]);
  });

  test("D8: what is deferred frees the place of its key, until it has ended", () => {
    const dispatcher = dispatcherWith({ keys: { keyOf: () => "k", most: 1, looksAhead: true } });
    const { worker, lane } = open(dispatcher);
    deliver(dispatcher, 1, 2, 3);
    expect(worker.seqs).toEqual([1]);
    lane.deferred?.(0, 60_000);
    expect(worker.seqs).toEqual([1, 2]);
    lane.ended(0, RETURNED);
    expect(worker.seqs).toEqual([1, 2]);
    lane.done(1, 1);
    expect(worker.seqs).toEqual([1, 2, 3]);
  });

  test("a quick handler is handed more than it runs, a slow one is not", () => {
    const dispatcher = dispatcherWith({ prefetch: true, maxQueued: 1_000 });
    const { worker, lane } = open(dispatcher);
    deliver(dispatcher, ...Array.from({ length: 100 }, (_, at) => at + 1));
    expect(worker.seqs).toHaveLength(2);
    clock.advance(1);
    lane.done(0, 2);
    expect(worker.seqs.length).toBeGreaterThan(4);
  });
});

describe("a reload", () => {
  test("sends new deliveries to the new worker while the old one finishes", async () => {
    const dispatcher = dispatcherWith();
    const old = open(dispatcher);
    deliver(dispatcher, 1);
    const fresh = open(dispatcher);
    const retired = dispatcher.retire(old.lane);
    deliver(dispatcher, 2);
    expect([old.worker.seqs, fresh.worker.seqs]).toEqual([[1], [2]]);
    old.lane.done(0, 1);
    await retired;
  });

  test("keeps the order of a handler that runs one at a time", () => {
    const dispatcher = dispatcherWith({ concurrency: 1, ordered: true });
    const old = open(dispatcher);
    deliver(dispatcher, 1, 2);
    const fresh = open(dispatcher);
    void dispatcher.retire(old.lane);
    expect(fresh.worker.seqs).toEqual([]);
    old.lane.done(0, 1);
    return Promise.resolve().then(() => expect(fresh.worker.seqs).toEqual([2]));
  });
});

describe("a deadline", () => {
  test("aborts the delivery, and what the handler does after that does not change the outcome", () => {
    const dispatcher = dispatcherWith();
    const { worker, lane } = open(dispatcher);
    deliver(dispatcher, 1);
    clock.advance(1_000);
    expect(worker.aborted).toEqual([0]);
    lane.alive();
    lane.done(0, 1);
    expect(settled).toEqual([{ seq: 1, outcome: "timed-out", blocked: false }]);
    clock.advance(1_000);
    expect(worker.terminated).toBe(false);
  });

  test("kills a worker that ignores the abort, and charges only the one that was late", async () => {
    const dispatcher = dispatcherWith();
    const { worker, lane } = open(dispatcher);
    deliver(dispatcher, 1);
    clock.advance(500);
    await nextTurn();
    deliver(dispatcher, 2);
    clock.advance(500);
    lane.alive();
    clock.advance(100);
    expect(worker.terminated).toBe(true);
    lane.exited({ ...CRASH, signal: "SIGKILL" });
    expect(settled).toEqual([{ seq: 1, outcome: "timed-out", blocked: false }]);
    expect(open(dispatcher).worker.seqs).toEqual([2]);
  });

  test("tells a blocked event loop from a slow handler", () => {
    const dispatcher = dispatcherWith();
    const { lane } = open(dispatcher);
    deliver(dispatcher, 1);
    clock.advance(1_100);
    lane.exited({ ...CRASH, signal: "SIGKILL" });
    expect(settled).toEqual([{ seq: 1, outcome: "timed-out", blocked: true }]);
  });

  test("runs from the start of a delivery, not from when it was handed over", () => {
    const dispatcher = dispatcherWith({ concurrency: 1, prefetch: true });
    const { worker, lane } = open(dispatcher);
    deliver(dispatcher, 1);
    clock.advance(1);
    lane.done(0, 1);
    deliver(dispatcher, 2, 3);
    expect(worker.seqs).toEqual([1, 2, 3]);
    clock.advance(900);
    lane.done(1, 1);
    clock.advance(900);
    expect(worker.aborted).toEqual([]);
    clock.advance(100);
    expect(worker.aborted).toEqual([2]);
  });
});

describe("a worker that dies", () => {
  test("charges the delivery it died with when there was only one", () => {
    const dispatcher = dispatcherWith();
    const { lane } = open(dispatcher);
    deliver(dispatcher, 1);
    lane.exited(CRASH);
    expect(settled).toEqual([{ seq: 1, outcome: "crashed" }]);
  });

  test("tells out of memory from a crash", () => {
    const dispatcher = dispatcherWith();
    const { lane } = open(dispatcher);
    deliver(dispatcher, 1);
    lane.exited({ ...CRASH, outOfMemory: true });
    expect(settled).toEqual([{ seq: 1, outcome: "out-of-memory" }]);
  });

  test("with several in hand has each run again alone, and only the one that kills again is charged", () => {
    const dispatcher = dispatcherWith();
    const first = open(dispatcher);
    deliver(dispatcher, 1, 2, 3);
    first.lane.exited(CRASH);
    expect(settled).toEqual([]);
    const second = open(dispatcher);
    expect(second.worker.seqs).toEqual([1]);
    second.lane.done(0, 1);
    expect(second.worker.seqs).toEqual([1, 2]);
    second.lane.exited(CRASH);
    expect(settled).toEqual([
      { seq: 1, outcome: "returned" },
      { seq: 2, outcome: "crashed" },
    ]);
    expect(open(dispatcher).worker.seqs).toEqual([3]);
  });

  test("what had already ended is not run again, and a late word changes nothing", () => {
    const dispatcher = dispatcherWith();
    const { lane } = open(dispatcher);
    deliver(dispatcher, 1);
    lane.done(0, 1);
    lane.ended(0, { kind: "threw", error: { name: "Error", message: "late", stack: "" } });
    lane.exited(CRASH);
    expect(settled).toEqual([{ seq: 1, outcome: "returned" }]);
  });
});

describe("suspects that were given back", () => {
  /** 1 to 3 were in hand of a worker that died, and went back to where they came from. */
  function givenBack(): Dispatcher {
    const dispatcher = dispatcherWith({ concurrency: 3 });
    const { lane } = open(dispatcher);
    deliver(dispatcher, 1, 2, 3);
    lane.exited(CRASH);
    expect(dispatcher.takeQueued().map(({ seq }) => seq)).toEqual([1, 2, 3]);
    return dispatcher;
  }

  test("run alone when they come again, before what came earlier", () => {
    const dispatcher = givenBack();
    deliver(dispatcher, 4, 2, 3);
    const { worker, lane } = open(dispatcher);
    expect(worker.seqs).toEqual([2]);
    lane.done(0, 1);
    expect(worker.seqs).toEqual([2, 3]);
    lane.done(1, 1);
    expect(worker.seqs).toEqual([2, 3, 4]);
  });

  test("run alone also beside a trial, and wait for what is in hand", () => {
    const dispatcher = givenBack();
    dispatcher.hold();
    const { worker, lane } = open(dispatcher);
    dispatcher.resume(true);
    deliver(dispatcher, 4, 5, 1, 6);
    expect(worker.seqs).toEqual([4]);
    lane.done(0, 1);
    expect(worker.seqs).toEqual([4, 1]);
    lane.done(1, 1);
    expect(worker.seqs).toEqual([4, 1, 5, 6]);
  });

  test("are cleared by ending well: they then run beside others", () => {
    const dispatcher = givenBack();
    const { worker, lane } = open(dispatcher);
    deliver(dispatcher, 1);
    lane.done(0, 1);
    deliver(dispatcher, 1, 4);
    expect(worker.seqs).toEqual([1, 1, 4]);
    expect([...memory.keys()]).toEqual(["s:2", "s:3"]);
  });

  test("are known to the next binding of the handler", () => {
    givenBack();
    const next = dispatcherWith();
    const { worker } = open(next);
    deliver(next, 2, 4);
    expect(worker.seqs).toEqual([2]);
  });

  test("what has killed runs alone at every attempt", () => {
    const dispatcher = givenBack();
    deliver(dispatcher, 2);
    open(dispatcher).lane.exited(CRASH);
    expect(settled).toEqual([{ seq: 2, outcome: "crashed" }]);
    const { worker } = open(dispatcher);
    deliver(dispatcher, 2, 4);
    expect(worker.seqs).toEqual([2]);
  });

  test("between two that are known to kill as many others have their turn as run at a time", () => {
    const dispatcher = givenBack();
    for (const seq of [1, 2]) {
      deliver(dispatcher, seq);
      open(dispatcher).lane.exited(CRASH);
    }
    deliver(dispatcher, 1, 2, 4, 5, 6, 7);
    open(dispatcher).lane.exited(CRASH);
    const { worker, lane } = open(dispatcher);
    expect(worker.seqs).toEqual([4, 5, 6]);
    lane.done(0, 3);
    expect(worker.seqs).toEqual([4, 5, 6, 2]);
    lane.exited(CRASH);
    expect(open(dispatcher).worker.seqs).toEqual([7]);
  });

  test("leave room for others while they wait", () => {
    const dispatcher = givenBack();
    deliver(dispatcher, 1, 2, 3);
    expect(dispatcher.room).toBe(3);
    deliver(dispatcher, 4, 5);
    expect(dispatcher.room).toBe(1);
  });

  test("wait within the bounds of the queue", () => {
    const dispatcher = givenBack();
    dispatcher.configure({ ...LIMITS, maxQueued: 2 });
    expect(deliver(dispatcher, 1, 2, 3)).toEqual([true, true, false]);
  });

  test("the oldest is forgotten beyond ten thousand", () => {
    const dispatcher = dispatcherWith({ concurrency: 10_001, maxQueued: 20_000, maxQueuedBytes: 1_000_000 });
    const { lane } = open(dispatcher);
    deliver(dispatcher, ...Array.from({ length: 10_001 }, (_, at) => at + 1));
    lane.exited(CRASH);
    expect([memory.size, memory.has("s:1"), memory.has("s:10001")]).toEqual([10_000, false, true]);
  });
});

describe("what a worker died of", () => {
  const NOBODY = { of: "nobody", explains: false, wellBefore: false };

  test("nobody, when nothing was in hand", () => {
    const { lane } = open(dispatcherWith());
    lane.exited(CRASH);
    expect(lane.death).toEqual(NOBODY);
  });

  test("one of several, then the message that is found, which explains the death before; then a known killer", () => {
    const dispatcher = dispatcherWith();
    const first = open(dispatcher);
    deliver(dispatcher, 1, 2);
    first.lane.exited(CRASH);
    expect(first.lane.death).toEqual({ ...NOBODY, of: "several" });
    const second = open(dispatcher);
    second.lane.done(0, 1);
    second.lane.exited(CRASH);
    expect(second.lane.death).toEqual({ of: "message", explains: true, wellBefore: true });
    const third = open(dispatcher);
    deliver(dispatcher, 2);
    third.lane.exited(CRASH);
    expect(third.lane.death).toEqual({ ...NOBODY, of: "killer" });
  });

  test("a second culprit among the suspects explains nothing more", () => {
    const dispatcher = dispatcherWith();
    const deaths = [1, 2, 3].map((at) => {
      const { lane } = open(dispatcher);
      if (at === 1) deliver(dispatcher, 1, 2);
      lane.exited(CRASH);
      return lane.death;
    });
    expect(deaths.map((death) => [death?.of, death?.explains])).toEqual([
      ["several", false],
      ["message", true],
      ["message", false],
    ]);
  });

  test("a message for which the worker was killed at its deadline", () => {
    const dispatcher = dispatcherWith();
    const { lane } = open(dispatcher);
    deliver(dispatcher, 1);
    clock.advance(1_100);
    lane.exited({ ...CRASH, signal: "SIGKILL" });
    expect(lane.death).toEqual({ ...NOBODY, of: "message" });
  });
});

test("`finished` resolves when nothing waits and nothing is in hand, and no timer is left for long", async () => {
  const dispatcher = dispatcherWith();
  const { lane } = open(dispatcher);
  deliver(dispatcher, 1, 2, 3);
  const finished = dispatcher.finished();
  lane.done(0, 2);
  lane.done(2, 1);
  await finished;
  expect(dispatcher.inFlight + dispatcher.queued).toBe(0);
  clock.advance(1_000);
  expect(clock.pending).toBe(0);
});

describe("a rate (D5)", () => {
  const TEN = { rate: { count: 10, everyMs: 1_000 } };

  /** Each turn of the loop reads the clock anew. */
  async function pass(ms: number): Promise<void> {
    await nextTurn();
    clock.advance(ms);
    await nextTurn();
  }

  test("has one begin after the other; what waits has no slot, no deadline and no attempt", async () => {
    const dispatcher = dispatcherWith({ ...TEN, concurrency: 8, timeoutMs: 150 });
    const { worker, lane } = open(dispatcher);
    deliver(dispatcher, 1, 2, 3);
    expect([worker.seqs, dispatcher.inFlight, dispatcher.queued]).toEqual([[1], 1, 2]);
    lane.done(0, 1);
    await pass(99);
    expect(worker.seqs).toEqual([1]);
    await pass(1);
    expect(worker.seqs).toEqual([1, 2]);
    lane.done(1, 1);
    await pass(100);
    lane.done(2, 1);
    expect(settled.map(({ outcome }) => outcome)).toEqual(["returned", "returned", "returned"]);
    const { pending } = clock;
    dispatcher.noMore();
    expect(clock.pending).toBe(pending - 1);
  });

  test("asks for no more than will have their turn soon, and says so when there may be room again", async () => {
    const dispatcher = dispatcherWith({ ...TEN, concurrency: 8 });
    open(dispatcher);
    expect(dispatcher.room).toBe(3);
    deliver(dispatcher, 1, 2, 3);
    expect(dispatcher.room).toBe(0);
    await pass(100);
    expect(dispatcher.room).toBe(1);
    expect(dispatcherWith({ rate: { count: 1, everyMs: 60_000 }, concurrency: 8 }).room).toBe(1);
  });

  test("is kept where messages are to run alone, and by several workers together", async () => {
    const dispatcher = dispatcherWith(TEN);
    const [a, b] = [open(dispatcher), open(dispatcher)];
    deliver(dispatcher, 1, 2);
    await pass(100);
    expect([...a.worker.seqs, ...b.worker.seqs].sort()).toEqual([1, 2]);
    a.lane.exited(CRASH);
    b.lane.exited(CRASH);
    const next = open(dispatcher);
    deliver(dispatcher, 3);
    expect(next.worker.seqs).toEqual([]);
    await pass(100);
    expect(next.worker.seqs).toHaveLength(1);
  });

  test("that is another now counts from now on, and one that is gone holds nothing", async () => {
    const dispatcher = dispatcherWith({ rate: { count: 1, everyMs: 60_000 }, concurrency: 8 });
    const { worker } = open(dispatcher);
    deliver(dispatcher, 1, 2, 3);
    expect(worker.seqs).toEqual([1]);
    dispatcher.configure({ ...LIMITS, ...TEN, concurrency: 8 });
    expect(worker.seqs).toEqual([1, 2]);
    dispatcher.configure({ ...LIMITS, concurrency: 8 });
    expect(worker.seqs).toEqual([1, 2, 3]);
    expect(dispatcher.room).toBe(LIMITS.concurrency * 4 - 3);
  });
});

test("where keys take turns (D8) a flood is looked past, also beside a rate of all, and nothing begins before its turn", async () => {
  const keys = { keyOf: ({ subject }: { readonly subject: string }) => subject, looksAhead: true };
  const rate = { count: 1, everyMs: 60_000 };
  const dispatcher = dispatcherWith({ rate, keys, concurrency: 8, maxQueued: 100, maxQueuedBytes: 2 ** 26 });
  const { worker, lane } = open(dispatcher);
  deliver(dispatcher, 1, 2, 3);
  expect([worker.seqs, dispatcher.queued, dispatcher.room]).toEqual([[1], 2, 98]);
  lane.done(0, 1);
  expect(worker.seqs).toEqual([1]);
  expect(dispatcher.takeQueued()).toHaveLength(2);
});

test("where turns are counted (D5) nothing begins without one, also alone, and no more are asked for than may begin", async () => {
  const granted: number[] = [];
  const turns = new CountedTurns({
    first: { count: 3, left: 3, saidMs: 1 },
    letThrough: async (wanted) => granted[granted.push(Math.min(wanted, 2)) - 1]!,
    clock,
    waiting: () => dispatcher.queued,
    onTurn: () => dispatcher.goOn(),
    onUsedUp: () => undefined,
  });
  const dispatcher: Dispatcher = dispatcherWith({ turns, concurrency: 8 });
  const { worker, lane } = open(dispatcher);
  expect(dispatcher.room).toBe(3);
  deliver(dispatcher, 1, 2);
  expect([worker.seqs, dispatcher.inFlight, dispatcher.room]).toEqual([[], 0, 1]);
  await new Promise(setImmediate);
  expect([worker.seqs, granted]).toEqual([[1, 2], [2]]);
  lane.exited(CRASH);
  const again = open(dispatcher);
  expect(again.worker.seqs).toEqual([]);
  await new Promise(setImmediate);
  expect(again.worker.seqs).toHaveLength(1);
  dispatcher.configure({ ...LIMITS, concurrency: 8 });
  again.lane.done(again.worker.handed[0]!.id, 1);
  expect(again.worker.seqs).toHaveLength(2);
});

describe("a worker that is ended from outside", () => {
  test("charges nobody: what it had in hand goes back to the queue", () => {
    const dispatcher = dispatcherWith();
    const { lane } = open(dispatcher);
    deliver(dispatcher, 1);
    lane.exited({ ...CRASH, signal: "SIGKILL", killedBecause: NOT_ITS_FAULT });
    expect(settled).toEqual([]);
    expect(dispatcher.takeQueued().map(({ seq }) => seq)).toEqual([1]);
  });
});

test("each late delivery has the whole grace, also when an earlier one has used up its own", async () => {
  const dispatcher = dispatcherWith();
  const { worker, lane } = open(dispatcher);
  deliver(dispatcher, 1);
  clock.advance(50);
  await nextTurn();
  deliver(dispatcher, 2);
  clock.advance(950);
  lane.alive();
  clock.advance(50);
  lane.alive();
  lane.done(0, 1);
  clock.advance(50);
  expect(worker.terminated).toBe(false);
  clock.advance(50);
  expect(worker.terminated).toBe(true);
});

describe("a worker that has a share of the messages (D6)", () => {
  const isEven = ({ seq }: Delivery) => seq % 2 === 0;

  test("gets those alone, and the others the rest; both together run at most `concurrency`", () => {
    const dispatcher = dispatcherWith();
    const { worker: others, lane } = open(dispatcher);
    const apart = new FakeWorker();
    const its = dispatcher.lane(apart);
    dispatcher.give({ lane: its, takes: isEven });
    deliver(dispatcher, 1, 2, 3, 4);
    expect([others.seqs, apart.seqs]).toEqual([[1], [2]]);
    expect(dispatcher.room).toBe(0);
    lane.done(0, 1);
    its.done(0, 1);
    expect([others.seqs, apart.seqs]).toEqual([
      [1, 3],
      [2, 4],
    ]);
  });

  test("the others' messages wait for a worker of theirs, which is asked for", () => {
    const dispatcher = dispatcherWith();
    const apart = new FakeWorker();
    dispatcher.give({ lane: dispatcher.lane(apart), takes: isEven });
    deliver(dispatcher, 1);
    expect(apart.seqs).toEqual([]);
    expect(wakes).toBe(1);
    expect(open(dispatcher).worker.seqs).toEqual([1]);
  });

  test("ends with its worker: what that had in hand, and all that comes, is for the others", () => {
    const dispatcher = dispatcherWith();
    const { worker: others } = open(dispatcher);
    const its = dispatcher.lane(new FakeWorker());
    dispatcher.give({ lane: its, takes: isEven });
    deliver(dispatcher, 2);
    its.exited({ ...CRASH, killedBecause: NOT_ITS_FAULT });
    deliver(dispatcher, 4);
    expect(others.seqs).toEqual([2, 4]);
  });

  test("what killed a worker runs alone, on the side it is for", () => {
    const dispatcher = dispatcherWith();
    const { lane } = open(dispatcher);
    deliver(dispatcher, 1, 2);
    lane.exited(CRASH);
    const { worker: others, lane: next } = open(dispatcher);
    const apart = new FakeWorker();
    expect(others.seqs).toEqual([1]);
    dispatcher.give({ lane: dispatcher.lane(apart), takes: isEven });
    next.done(0, 1);
    expect([others.seqs, apart.seqs]).toEqual([[1], [2]]);
  });

  test("which version ran a message is told where its lane was made for one", () => {
    const told: (string | undefined)[] = [];
    const owner = { chunk: () => {}, halved: () => {}, wake: () => {}, roomChanged: () => {} };
    const settled = (_: Delivery, __: Outcome, ___: number, version: string | undefined) => void told.push(version);
    const dispatcher = new Dispatcher(LIMITS, { ...owner, settled }, new Suspicions(["s:"], memory), clock);
    for (const version of [undefined, "v2"]) {
      const lane = dispatcher.lane(new FakeWorker(), LIMITS, version);
      dispatcher.ready(lane);
      deliver(dispatcher, 1);
      lane.done(0, 1);
      void dispatcher.retire(lane);
    }
    expect(told).toEqual([undefined, "v2"]);
  });
});
