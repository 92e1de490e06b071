// D3 and D7 of the dispatcher, and A1 and A2 of neighbours.ts: what is to run alone is alone in the process.

import { beforeEach, expect, it } from "vitest";
import { Dispatcher } from "../../../runtime/deliver/dispatcher.ts";
import { Neighbours } from "../../../runtime/deliver/neighbours.ts";
import { Suspicions } from "../../../runtime/deliver/suspicions.ts";
import type { WorkerPlace } from "../../../runtime/deliver/worker-place.ts";
import { NOT_ITS_FAULT, type WorkerExit } from "../../../runtime/message/outcome.ts";
import type { WorkerPort } from "../../../runtime/message/worker-port.ts";
import { fakeClock } from "../../support/fake-clock.ts";

const CRASH: WorkerExit = { code: 1, signal: null, outOfMemory: false, killedBecause: undefined, lastOutput: [] };
const LIMITS = {
  concurrency: 4,
  timeoutMs: 1_000,
  killGraceMs: 100,
  maxQueued: 10,
  maxQueuedBytes: 1_000,
  prefetch: false,
  ordered: false,
};

/** A handler of the group: what its worker has been handed, and how it ended. */
class Handler {
  readonly handed: number[] = [];
  readonly settled: string[] = [];
  readonly deaths: string[] = [];
  readonly dispatcher: Dispatcher;
  lane!: WorkerPlace;
  private ids: number[] = [];

  constructor(neighbours: Neighbours) {
    const owner = {
      settled: ({ seq }: { seq: number }, { kind }: { kind: string }) => void this.settled.push(`${seq} ${kind}`),
      chunk: () => undefined,
      halved: () => undefined,
      wake: () => undefined,
      roomChanged: () => undefined,
    };
    this.dispatcher = new Dispatcher(LIMITS, owner, new Suspicions(["s:"], new Map()), fakeClock());
    this.dispatcher.liveAmong(neighbours);
    this.comeUp();
  }

  comeUp(): void {
    const worker: WorkerPort = {
      pid: 1,
      deliver: (id, { seq }) => {
        this.handed.push(seq);
        this.ids.push(id);
      },
      deliverBatch: () => undefined,
      abort: () => undefined,
      whereBlocked: async () => undefined,
      terminate: () => undefined,
    };
    this.lane = this.dispatcher.lane(worker);
    this.dispatcher.ready(this.lane);
  }

  deliver(...seqs: number[]): void {
    for (const seq of seqs)
      this.dispatcher.accept({ subject: "s", data: Buffer.from("x"), headers: undefined, seq, attempt: 1, hops: 0 });
  }

  /** The message that was handed over last returns. */
  returns(): void {
    this.lane.done(this.ids.at(-1)!, 1);
  }

  dies(changes: Partial<WorkerExit>): void {
    this.handed.length = 0;
    this.lane.exited({ ...CRASH, ...changes });
    this.deaths.push(this.lane.death!.of);
  }
}

let one: Handler;
let other: Handler;

beforeEach(() => {
  const neighbours = new Neighbours();
  one = new Handler(neighbours);
  other = new Handler(neighbours);
});

it("where several are in question each message runs again alone, one handler after the other, while nothing else begins", () => {
  one.deliver(1, 2);
  other.deliver(11);
  for (const handler of [one, other]) handler.dies({ dueTo: "unknown" });
  expect([one.settled, other.settled, one.deaths, other.deaths]).toEqual([[], [], ["others"], ["others"]]);
  for (const handler of [one, other]) handler.comeUp();
  other.deliver(12);
  expect([one.handed, other.handed]).toEqual([[1], []]);
  one.returns();
  expect([one.handed, other.handed]).toEqual([[1], [11]]);
  other.returns();
  expect([one.handed, other.handed]).toEqual([[1, 2], [11]]);
  one.returns();
  expect([one.handed, other.handed]).toEqual([
    [1, 2],
    [11, 12],
  ]);
});

it("a message that is alone in the process when it dies is the one that is charged", () => {
  one.deliver(1);
  other.deliver(11);
  for (const handler of [one, other]) handler.dies({ dueTo: "unknown" });
  for (const handler of [one, other]) handler.comeUp();
  one.dies({});
  other.dies({ dueTo: "others" });
  expect([one.settled, other.settled]).toEqual([["1 crashed"], []]);
  expect([one.deaths.at(-1), other.deaths.at(-1)]).toEqual(["message", "others"]);
  for (const handler of [one, other]) handler.comeUp();
  expect(other.handed).toEqual([11]);
});

it("it waits until nothing of the others is in flight", () => {
  one.deliver(1);
  one.dies({ dueTo: "unknown" });
  other.deliver(11);
  one.comeUp();
  other.deliver(12);
  expect([one.handed, other.handed]).toEqual([[], [11]]);
  other.returns();
  expect([one.handed, other.handed]).toEqual([[1], [11]]);
  one.returns();
  expect(other.handed).toEqual([11, 12]);
});

it("whoever has others wait, and then cannot run it or goes away, holds them up no longer", () => {
  one.deliver(1);
  other.deliver(11);
  one.dies({ dueTo: "unknown" });
  one.comeUp();
  other.deliver(12);
  expect(other.handed).toEqual([11]);
  one.dispatcher.hold();
  one.dispatcher.goOn();
  other.deliver(13);
  one.dispatcher.liveAmong(undefined);
  expect(other.handed).toEqual([11, 12, 13]);
});

it("what runs beside a culprit that is known runs again, uncharged, and says nothing of its handler", () => {
  one.deliver(1);
  other.deliver(11, 12);
  one.dies({});
  other.dies({ dueTo: "others" });
  expect([one.settled, other.settled, other.deaths]).toEqual([["1 crashed"], [], ["others"]]);
  other.comeUp();
  expect(other.handed).toEqual([11, 12]);
  other.dies({ killedBecause: NOT_ITS_FAULT });
  expect(other.settled).toEqual([]);
});
