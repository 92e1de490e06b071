import { beforeEach, describe, expect, it } from "vitest";
import { HandlerStats } from "../../../runtime/deliver/handler-stats.ts";
import { Route } from "../../../runtime/deliver/route.ts";
import type { RuntimeEvent } from "../../../runtime/events.ts";
import type { Delivery } from "../../../runtime/message/delivery.ts";
import type { DeliveryTap, EndedRun } from "../../../runtime/message/delivery-tap.ts";
import { type Outcome, RETURNED } from "../../../runtime/message/outcome.ts";
import type { WorkerEvents, WorkerPort } from "../../../runtime/message/worker-port.ts";
import type { ResolvedMetadata } from "../../../runtime/metadata/handler-metadata.ts";
import { eventRecorder } from "../../support/event-recorder.ts";
import { FakeBinder, type FakeBinding } from "../../support/fake-binder.ts";
import { type FakeClock, fakeClock } from "../../support/fake-clock.ts";
import { durable } from "../../support/stream-stage.ts";

const THREW: Outcome = { kind: "threw", error: { name: "Error", message: "no", stack: "" } };

/** Notes what is handed over; the test says how it ends. */
class HeldWorker implements WorkerPort {
  readonly pid = 1;
  readonly handed: { readonly id: number; readonly seq: number }[] = [];
  readonly aborted: number[] = [];
  events: WorkerEvents | undefined;
  deliver(id: number, { seq }: Delivery): void {
    this.handed.push({ id, seq });
  }
  end(outcome: Outcome, at = this.handed.length - 1): void {
    this.events!.ended(this.handed[at]!.id, outcome);
  }
  deliverBatch(id: number, deliveries: readonly Delivery[]): void {
    for (const delivery of deliveries) this.deliver(id, delivery);
  }
  abort(id: number): void {
    this.aborted.push(id);
  }
  terminate(): void {}
  async whereBlocked(): Promise<undefined> {}
}

let clock: FakeClock;
let recorder: ReturnType<typeof eventRecorder>;
let stats: HandlerStats;

beforeEach(() => {
  clock = fakeClock();
  recorder = eventRecorder();
  stats = new HandlerStats();
});

interface Stage {
  readonly route: Route;
  readonly binding: FakeBinding;
  readonly worker: HeldWorker;
}

async function routeOf(changes: Partial<ResolvedMetadata> = {}, tap?: DeliveryTap): Promise<Stage> {
  const metadata = durable("a", { kind: "event", ...changes });
  const binder = new FakeBinder();
  const route = new Route({
    handler: "h",
    file: "handlers/h.ts",
    rootDir: "/nowhere",
    metadata,
    deadlines: true,
    killGraceMs: 100,
    maxHops: 3,
    plan: await binder.plan("h", metadata),
    stats,
    suspicions: new Map(),
    spans: undefined,
    tap,
    clock,
    emit: recorder.emit,
    onWake: () => {},
    onFault: () => {},
    onMoved: () => {},
  });
  await route.bind();
  route.adopt(metadata, "v1");
  const worker = new HeldWorker();
  const lane = route.lane(worker, "v1", metadata);
  worker.events = lane;
  route.dispatcher.ready(lane);
  return { route, binding: binder.bindings[0]!, worker };
}

function told(wanted: RuntimeEvent["type"]): readonly RuntimeEvent[] {
  return recorder.events.filter(({ type }) => type === wanted);
}

describe("a version that comes up beside another", () => {
  it("is held to its own timeout from its first message on", async () => {
    const { route, binding, worker } = await routeOf();
    const quicker = durable("a", { kind: "event", timeoutMs: 50 });
    const next = new HeldWorker();
    const lane = route.lane(next, "v2", quicker);
    route.adopt(quicker, "v2");
    route.dispatcher.ready(lane);
    binding.arrive(1, 2);
    clock.advance(50);
    expect([worker.handed.length, worker.aborted]).toEqual([1, []]);
    expect(next.aborted).toEqual([next.handed[0]!.id]);
  });
});

describe("a message", () => {
  it("that returned is counted and not told; one that threw is told with what was done", async () => {
    const { binding, worker } = await routeOf();
    binding.arrive(1, 2);
    worker.events!.done(worker.handed[0]!.id, 1);
    worker.end(THREW, 1);
    expect([stats.handled, stats.failed, binding.settled]).toEqual([1, 1, [{ seq: 2, do: "dead-letter" }]]);
    expect(told("delivery.failed")).toMatchObject([
      { handler: "h", version: "v1", id: "a:2", outcome: "threw", settled: "dead-letter" },
    ]);
  });

  it("that came through too many handlers is not run, and told", async () => {
    const { route, worker } = await routeOf();
    const delivery: Delivery = {
      subject: "a",
      data: new Uint8Array(1),
      headers: undefined,
      seq: 1,
      attempt: 1,
      hops: 3,
    };
    expect(route.accept(delivery)).toBe(true);
    expect([worker.handed, told("delivery.failed")]).toMatchObject([[], [{ outcome: "too-many-hops" }]]);
  });

  it("is shown to whoever watches, with its error and what was done; and to nobody else", async () => {
    const shown: EndedRun[] = [];
    const tap = { isOpen: false, takes: () => true, ended: (run: EndedRun) => void shown.push(run) };
    const { binding, worker } = await routeOf({}, tap);
    binding.arrive(1, 2, 3);
    worker.events!.done(worker.handed[0]!.id, 1);
    expect(shown).toEqual([]);
    tap.isOpen = true;
    worker.events!.done(worker.handed[1]!.id, 1);
    worker.end(THREW, 2);
    expect(shown).toMatchObject([
      { handler: "h", version: "v1", id: "a:2", outcome: RETURNED, error: undefined },
      { id: "a:3", outcome: THREW, settlement: { do: "dead-letter" }, settled: "dead-letter" },
    ]);
    expect(shown[1]?.error?.().message).toContain("failed on");
  });

  it("that finds the queue full is dropped, and one line a second tells how many", async () => {
    const { binding } = await routeOf({ concurrency: 1, maxQueued: 2 });
    const taken = binding.arrive(1, 2, 3, 4, 5, 6);
    const dropped = taken.filter((isTaken) => !isTaken).length;
    expect(dropped).toBeGreaterThan(1);
    expect([binding.settled.length, stats.outcomes["queue-full"], told("delivery.dropped")]).toEqual([
      dropped,
      dropped,
      [],
    ]);
    clock.advance(1_000);
    const why = "the queue is full (2 messages or 1000000 bytes)";
    expect(told("delivery.dropped")).toMatchObject([{ handler: "h", count: dropped, why }]);
    clock.advance(10_000);
    expect(told("delivery.dropped").length).toBe(1);
  });

  it("one of thousands that fail: twenty a second are told, and one line counts the rest", async () => {
    const { binding, worker } = await routeOf({ concurrency: 1 });
    for (let seq = 1; seq <= 50; seq++) {
      binding.arrive(seq);
      worker.end(THREW);
    }
    expect(told("delivery.failed").length).toBe(20);
    clock.advance(1_000);
    expect(told("runtime.notice")).toMatchObject([{ message: 'handler "h": 30 more failures in the last second' }]);
    binding.arrive(51);
    worker.end(THREW);
    expect(told("delivery.failed").length).toBe(21);
  });
});

describe("a handler that is set aside", () => {
  it("gives back what waits and what comes, and runs one message alone when it comes back on trial", async () => {
    const { route, binding, worker } = await routeOf({ kind: "durable", concurrency: 2 });
    binding.arrive(1, 2, 3);
    route.setAside("it keeps dying");
    binding.arrive(4);
    expect(binding.settled.map(({ do: done }) => done)).toEqual(["give-back", "give-back"]);
    for (const { id } of worker.handed) worker.events!.done(id, 1);
    const before = worker.handed.length;
    route.comeBack(true);
    binding.arrive(5, 6, 7);
    expect(worker.handed.length - before).toBe(1);
    worker.events!.done(worker.handed.at(-1)!.id, 1);
    expect(worker.handed.length - before).toBe(3);
  });
});

describe("a new version", () => {
  it.each([
    [{ concurrency: 9, timeoutMs: 5 }, true],
    [{ subjects: ["b"] }, false],
    [{ kind: "durable" }, false],
    [{ stream: "S" }, false],
    [{ domain: "leaf" }, false],
    [{ maxQueued: 7 }, false],
    [{ maxQueuedBytes: 7 }, false],
  ] as const)("with %j: served by the same binding? %s", async (changes, isServed) => {
    const { route } = await routeOf();
    expect(route.serves(durable("a", { kind: "event", ...changes }))).toBe(isServed);
  });

  it("changes how many run at a time, and by which version failures are told", async () => {
    const { route, binding, worker } = await routeOf({ concurrency: 1 });
    route.adopt(durable("a", { kind: "event", concurrency: 3 }), "v2");
    binding.arrive(1, 2, 3);
    expect(worker.handed.length).toBe(3);
    worker.end(THREW);
    expect(told("delivery.failed")).toMatchObject([{ version: "v2" }]);
  });
});

describe("unbinding", () => {
  it("is told once, however often it is asked for, and ends what held the handler", async () => {
    const { route, binding } = await routeOf();
    route.holds.begin({ reason: "paused", text: "t", remedy: "r" });
    await Promise.all([route.unbind(), route.unbind()]);
    expect([binding.isBound, route.holds.all]).toEqual([false, []]);
    expect(told("handler.unbound").length).toBe(1);
  });
});
