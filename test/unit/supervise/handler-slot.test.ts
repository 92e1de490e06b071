import { describe, expect, test } from "vitest";
import { RuntimeError } from "../../../runtime/errors.ts";
import { HandlerSlot } from "../../../runtime/supervise/handler-slot.ts";
import type { SlotDeps } from "../../../runtime/supervise/slot-deps.ts";
import type { FakeModule } from "../../support/fake-workers.ts";
import { fileOf, type SlotStage, slotStage } from "../../support/slot-stage.ts";

const EVENT: FakeModule = { metadata: { subject: "a" } };
const ME = { source: "operator", by: "me", reason: "", sinceMs: 0, untilMs: undefined, now: false } as const;

async function serving(module: FakeModule = EVENT): Promise<{ stage: SlotStage; slot: HandlerSlot }> {
  const stage = slotStage();
  stage.save("h", "v1", module);
  return { stage, slot: await stage.slot("h") };
}

function save({ stage, slot }: { stage: SlotStage; slot: HandlerSlot }, version: string, module: FakeModule | string) {
  const file = stage.save("h", version, module);
  return slot.reload(file, stage.clock.monotonicMs());
}

/** One who resolves when told to. */
function gate() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}

/** The worker that serves dies, and the next step of the slot is over. */
async function crash({ stage, slot }: { stage: SlotStage; slot: HandlerSlot }): Promise<void> {
  const exited = stage.events.next("worker.exited");
  stage.workers.alive.at(-1)!.crash();
  await exited;
  await slot.settled();
}

describe("a start", () => {
  test("brings the version up, binds it, and hands what comes to its worker", async () => {
    const { stage, slot } = await serving();
    expect(slot.status).toMatchObject({ state: "serving", version: "v1", subject: "a" });
    stage.binder.bindings[0]!.arrive(1, 2);
    expect(stage.workers.taken[0]!.handed.map(({ seq }) => seq)).toEqual([1, 2]);
    stage.workers.taken[0]!.returned(0);
    expect(stage.events.events.map(({ type }) => type)).toEqual(["handler.bound", "handler.state", "handler.serving"]);
  });

  test("tells since when its version serves: a reload of the same one is no new beginning", async () => {
    const told = await serving();
    const { stage, slot } = told;
    const sinceMs = slot.status.servesSinceMs;
    expect(sinceMs).toBe(stage.clock.nowMs());
    stage.clock.advance(5_000);
    await slot.reload(stage.save("h", "v1", EVENT), stage.clock.monotonicMs(), true);
    expect(slot.status).toMatchObject({ version: "v1", servesSinceMs: sinceMs });
    await save(told, "v2", EVENT);
    expect(slot.status).toMatchObject({ version: "v2", servesSinceMs: stage.clock.nowMs() });
  });

  test("of a file that does not build is a failure that only a save mends", async () => {
    const stage = slotStage();
    stage.save("h", "v1", "Unexpected end of file");
    const slot = await stage.slot("h");
    expect(slot.status).toMatchObject({ state: "failed", lastFailure: { code: "BUNDLE_FAILED" } });
    expect([stage.clock.pending, stage.workers.taken.length]).toEqual([0, 0]);
    await save({ stage, slot }, "v2", EVENT);
    expect(slot.status).toMatchObject({ state: "serving", version: "v2", lastFailure: undefined });
  });

  test("whose set-up throws is tried again after a second, and leaves no worker behind", async () => {
    let tries = 0;
    const setup = async () => {
      if (++tries === 1) throw new Error("the database is not there");
    };
    const { stage, slot } = await serving({ ...EVENT, setup });
    expect(slot.status).toMatchObject({ state: "backing-off", lastFailure: { code: "HANDLER_SETUP_FAILED" } });
    expect(stage.workers.alive).toEqual([]);
    stage.clock.advance(1_000);
    await slot.settled();
    expect(slot.status.state).toBe("serving");
  });
});

describe("a save", () => {
  test("swaps the version: the old worker ends once it has nothing in hand, and the binding stays", async () => {
    const { stage, slot } = await serving();
    const [binding] = stage.binder.bindings;
    binding!.arrive(1);
    await save({ stage, slot }, "v2", EVENT);
    binding!.arrive(2);
    const [old, fresh] = stage.workers.taken;
    expect([old!.isGone, old!.handed.length, fresh!.handed.map(({ seq }) => seq)]).toEqual([false, 1, [2]]);
    const retired = stage.events.next("generation.retired");
    old!.returned(0);
    expect(await retired).toMatchObject({ version: "v1" });
    expect([old!.isGone, stage.binder.bindings.length, stage.retired]).toEqual([true, 1, ["v1"]]);
  });

  test("that changes the subject binds the new one before it unbinds the old", async () => {
    const { stage, slot } = await serving();
    await save({ stage, slot }, "v2", { metadata: { subject: "b" } });
    await stage.events.next("generation.retired", 0);
    const told = stage.events.events.map(({ type }) => type).filter((type) => /bound/.test(type));
    expect(told).toEqual(["handler.bound", "handler.bound", "handler.unbound"]);
    expect(stage.binder.bound.map(({ subject }) => subject)).toEqual(["b"]);
  });

  for (const [what, bad, code] of [
    ["does not build", "Unexpected end of file", "BUNDLE_FAILED"],
    ["throws on import", { ...EVENT, evaluate: () => Promise.reject(new Error("no")) }, "HANDLER_LOAD_FAILED"],
    ["throws in its set-up", { ...EVENT, setup: () => Promise.reject(new Error("no")) }, "HANDLER_SETUP_FAILED"],
    ["has wrong metadata", { metadata: { subject: "a b" } }, "METADATA_INVALID"],
  ] as const) {
    test(`that ${what} leaves the version before serving, and says why`, async () => {
      const { stage, slot } = await serving();
      await save({ stage, slot }, "v2", bad);
      expect(slot.status).toMatchObject({ state: "serving", version: "v1", lastFailure: { code } });
      expect(stage.workers.alive).toEqual([stage.workers.taken[0]]);
      stage.binder.bindings[0]!.arrive(1);
      expect(stage.workers.taken[0]!.handed.length).toBe(1);
    });
  }

  test("that changes nothing starts no worker; forced, it does", async () => {
    const { stage, slot } = await serving();
    await save({ stage, slot }, "v1", EVENT);
    expect(stage.workers.taken.length).toBe(1);
    await slot.reload(fileOf("h"), stage.clock.monotonicMs(), true);
    expect(stage.workers.taken.length).toBe(2);
  });

  test("supersedes one that is still coming up: its worker is killed, and it is never served", async () => {
    const { stage, slot } = await serving();
    const slow = gate();
    void save({ stage, slot }, "v2", { ...EVENT, evaluate: () => slow.opened });
    await expect.poll(() => stage.workers.taken.at(-1)?.bundle).toMatch(/v2/);
    await save({ stage, slot }, "v3", EVENT);
    const served = stage.events.events.filter((event) => event.type === "handler.serving");
    expect(served.map(({ version }) => version)).toEqual(["v1", "v3"]);
    expect(stage.workers.taken[1]!.isGone).toBe(true);
    expect(slot.status.lastFailure).toBeUndefined();
  });
});

describe("a version that is exclusive", () => {
  const ONE: FakeModule = { metadata: { subject: "a", exclusive: true } };

  test("is set up after the one before has ended, and gets what came meanwhile", async () => {
    const told = await serving(ONE);
    const { stage, slot } = told;
    const [binding] = stage.binder.bindings;
    const [old] = stage.workers.taken;
    binding!.arrive(1);
    let oldWasGone: boolean | undefined;
    const saved = save(told, "v2", {
      ...ONE,
      setup: async () => {
        oldWasGone = old!.isGone;
      },
    });
    await expect.poll(() => slot.status.state).toBe("restarting");
    binding!.arrive(2);
    old!.returned(0);
    await saved;
    expect([oldWasGone, slot.status.version, stage.binder.bound.length]).toEqual([true, "v2", 1]);
    expect(stage.workers.alive[0]!.handed.map(({ seq }) => seq)).toEqual([2]);
  });

  test("that does not import leaves the one before alone", async () => {
    const told = await serving(ONE);
    await save(told, "v2", { ...ONE, evaluate: () => Promise.reject(new Error("no")) });
    expect([told.slot.status.state, told.stage.workers.taken[0]!.isGone]).toEqual(["serving", false]);
  });

  test("whose set-up throws has the one before started again, which gets what came meanwhile", async () => {
    const told = await serving(ONE);
    const { stage, slot } = told;
    await save(told, "v2", {
      ...ONE,
      setup: async () => {
        stage.binder.bindings[0]!.arrive(1);
        throw new Error("no");
      },
    });
    await slot.settled();
    expect(slot.status).toMatchObject({ state: "serving", version: "v1" });
    expect(stage.workers.alive.map(({ bundle, handed }) => [/v1/.test(bundle), handed.length])).toEqual([[true, 1]]);
  });
});

describe("an operator who disables an exclusive handler whose next version waits for the one before", () => {
  test("need not wait for that", async () => {
    const told = await serving({ metadata: { subject: "a", exclusive: true } });
    const { stage, slot } = told;
    stage.binder.bindings[0]!.arrive(1);
    void save(told, "v2", { metadata: { subject: "a", exclusive: true } });
    await expect.poll(() => slot.status.state).toBe("restarting");
    await slot.setIntent("operator", ME);
    expect([slot.status.state, stage.workers.alive.length]).toEqual(["disabled", 1]);
    const retired = stage.events.next("generation.retired");
    stage.workers.taken[0]!.returned(0);
    await retired;
    expect(stage.workers.alive).toEqual([]);
  });
});

describe("a version that lacks a stream", () => {
  const DURABLE: FakeModule = { metadata: { subject: "a", kind: "durable" } };
  const missing = () => Promise.reject(new RuntimeError("STREAM_MISSING", "no stream takes its subject"));

  async function look({ stage, slot }: { stage: SlotStage; slot: HandlerSlot }, waitMs: number): Promise<void> {
    const plans = stage.binder.plans;
    stage.clock.advance(waitMs);
    await expect.poll(() => stage.binder.plans).toBeGreaterThan(plans);
    await slot.settled();
  }

  async function lacking() {
    const stage = slotStage();
    stage.binder.refuse = missing;
    stage.save("h", "v1", DURABLE);
    const slot = await stage.slot("h");
    return { stage, slot };
  }

  const failures = ({ events }: SlotStage) => events.events.filter(({ type }) => type === "handler.failed").length;

  test("is looked at again ever less often, without a process and without a word, and comes up once it is there", async () => {
    const told = await lacking();
    const { stage, slot } = told;
    expect(slot.status).toMatchObject({ state: "failed", lastFailure: { code: "STREAM_MISSING" } });
    for (const waitMs of [1_000, 2_000, 4_000, 8_000, 15_000, 15_000]) await look(told, waitMs);
    expect([stage.workers.taken.length, failures(stage), slot.status.state]).toEqual([1, 1, "failed"]);
    stage.binder.refuse = async () => {};
    await look(told, 15_000);
    await slot.settled();
    expect(slot.status).toMatchObject({ state: "serving", version: "v1", lastFailure: undefined });
  });

  test("comes up also beside a version that serves", async () => {
    const told = await serving();
    const { stage, slot } = told;
    stage.binder.refuse = missing;
    await save(told, "v2", DURABLE);
    expect(slot.status).toMatchObject({ state: "serving", version: "v1", lastFailure: { code: "STREAM_MISSING" } });
    stage.binder.refuse = async () => {};
    await look(told, 1_000);
    await slot.settled();
    expect(slot.status).toMatchObject({ state: "serving", version: "v2" });
  });

  test("is not looked for any more once it is closed, or has another version", async () => {
    const told = await lacking();
    const { stage, slot } = told;
    stage.binder.refuse = async () => {};
    await save(told, "v2", EVENT);
    expect([slot.status.state, stage.clock.pending]).toEqual(["serving", 1]);
    await slot.close();
    expect(stage.clock.pending).toBe(0);
  });

  test("is told again when somebody saves it", async () => {
    const told = await lacking();
    await save(told, "v2", DURABLE);
    expect(failures(told.stage)).toBe(2);
  });
});

describe("a worker that dies", () => {
  test("is replaced at once, and the next time after half a second; what waits is handed to the new one", async () => {
    const told = await serving();
    const { stage, slot } = told;
    await crash(told);
    expect([slot.status.state, stage.workers.taken.length]).toEqual(["serving", 2]);
    await crash(told);
    expect(slot.status.state).toBe("backing-off");
    stage.binder.bindings[0]!.arrive(1);
    stage.clock.advance(499);
    expect(stage.workers.taken.length).toBe(2);
    stage.clock.advance(1);
    await slot.settled();
    expect(stage.workers.taken[2]!.handed.map(({ seq }) => seq)).toEqual([1]);
  });

  test("six times in a row sets the handler aside: what waits is given back, what comes is refused, until the cool-down", async () => {
    const told = await serving();
    const { stage, slot } = told;
    for (const waitMs of [0, 500, 1_000, 2_000, 4_000]) {
      await crash(told);
      stage.clock.advance(waitMs);
      await slot.settled();
    }
    await crash(told);
    expect(slot.status.state).toBe("quarantined");
    stage.binder.bindings[0]!.arrive(1);
    expect(stage.binder.bindings[0]!.settled).toEqual([{ seq: 1, do: "drop" }]);
    stage.clock.advance(60_000);
    await slot.settled();
    expect(slot.status.state).toBe("serving");
    stage.binder.bindings[0]!.arrive(2, 3);
    expect(stage.workers.alive[0]!.handed.map(({ seq }) => seq)).toEqual([2]);
    stage.workers.alive[0]!.returned(0);
    expect(stage.workers.alive[0]!.handed.map(({ seq }) => seq)).toEqual([2, 3]);
  });
});

describe("an operator", () => {
  test("disables: unbound, and the worker ends once it has nothing in hand; enables: it is brought up", async () => {
    const { stage, slot } = await serving();
    stage.binder.bindings[0]!.arrive(1);
    await slot.setIntent("operator", ME);
    expect([slot.status.state, stage.binder.bound.length, stage.workers.alive.length]).toEqual(["disabled", 0, 1]);
    const retired = stage.events.next("generation.retired");
    stage.workers.alive[0]!.returned(0);
    await retired;
    expect(stage.workers.alive).toEqual([]);
    await slot.setIntent("operator", undefined);
    expect([slot.status.state, stage.binder.bound.length]).toEqual(["serving", 1]);
  });

  test("cuts a version short that is coming up", async () => {
    const { stage, slot } = await serving();
    void save({ stage, slot }, "v2", { ...EVENT, evaluate: () => new Promise(() => {}) });
    await expect.poll(() => stage.workers.taken.length).toBe(2);
    await slot.setIntent("operator", ME);
    expect([slot.status.state, stage.workers.taken[1]!.isGone]).toEqual(["disabled", true]);
  });
});

describe("metadata that says `disabled`", () => {
  test("takes the handler off, and a save without it brings it back", async () => {
    const { stage, slot } = await serving();
    await save({ stage, slot }, "v2", { metadata: { subject: "a", disabled: true } });
    await slot.settled();
    expect([slot.status.state, stage.binder.bound.length]).toEqual(["disabled", 0]);
    await save({ stage, slot }, "v3", EVENT);
    await slot.settled();
    expect(slot.status).toMatchObject({ state: "serving", version: "v3" });
  });

  test("does not bring it back while an operator holds it off", async () => {
    const { stage, slot } = await serving({ metadata: { subject: "a", disabled: true } });
    await slot.settled();
    await slot.setIntent("operator", ME);
    await save({ stage, slot }, "v2", EVENT);
    expect(slot.status.state).toBe("disabled");
    await slot.setIntent("operator", undefined);
    await slot.settled();
    expect(slot.status).toMatchObject({ state: "serving", version: "v2" });
  });
});

describe("closing", () => {
  test("lets what is in hand end, and leaves no worker, no binding and no timer", async () => {
    const { stage, slot } = await serving();
    stage.binder.bindings[0]!.arrive(1);
    const closed = slot.close();
    stage.workers.alive[0]!.returned(0);
    expect(await closed).toEqual([]);
    expect([slot.status.state, stage.workers.alive, stage.binder.bound, stage.clock.pending]).toEqual([
      "stopped",
      [],
      [],
      0,
    ]);
  });

  test("names what did not end within the grace", async () => {
    const { stage, slot } = await serving();
    stage.binder.bindings[0]!.arrive(1);
    const closed = slot.close(1_000);
    await expect.poll(() => stage.binder.bound.length).toBe(0);
    await expect.poll(() => stage.clock.advance(1_000) ?? stage.workers.alive.length).toBe(0);
    expect(await closed).toEqual(["a"]);
  });

  test("in the moment in which a version is bound takes that one down too", async () => {
    const stage = slotStage();
    stage.save("h", "v1", EVENT);
    let closed: Promise<string[]> | undefined;
    const emit: SlotDeps["emit"] = (event) => {
      stage.events.emit(event);
      if (event.type === "handler.bound") closed = slot.close();
    };
    const slot = new HandlerSlot(fileOf("h"), { ...stage.deps, emit });
    await slot.reload(fileOf("h"), 0);
    expect(await closed).toEqual([]);
    expect([slot.status.state, stage.workers.alive, stage.binder.bound, stage.clock.pending]).toEqual([
      "stopped",
      [],
      [],
      0,
    ]);
    expect(stage.events.events.filter(({ type }) => type === "handler.failed")).toEqual([]);
  });

  test("starts nothing any more", async () => {
    const { stage, slot } = await serving();
    await slot.close();
    await save({ stage, slot }, "v2", EVENT);
    expect([slot.status.state, stage.workers.taken.length]).toEqual(["stopped", 1]);
  });
});
