import { describe, expect, test } from "vitest";
import type { HandlerSlot } from "../../../runtime/supervise/handler-slot.ts";
import type { HandlerVersions } from "../../../runtime/supervise/slot-deps.ts";
import type { FakeModule, FakeWorker } from "../../support/fake-workers.ts";
import { type SlotStage, slotStage } from "../../support/slot-stage.ts";

const of = (more: object = {}): FakeModule => ({
  metadata: { subject: "a", kind: "request", canary: { percent: 50, messages: 2 }, ...more },
});

interface Told {
  readonly stage: SlotStage;
  readonly slot: HandlerSlot;
  readonly done: string[];
}

/** v1 serves, and v2 has come. */
async function tried(module = of(), changes: Partial<HandlerVersions> = {}): Promise<Told> {
  const done: string[] = [];
  const versions: HandlerVersions = {
    served: ({ version }) => void done.push(`${version} serves`),
    standingOf: () => ({ own: undefined, rollback: undefined }),
    mayTry: () => true,
    before: async () => undefined,
    keepNow: async ({ version }) => void done.push(`${version} is kept`),
    returned: async (_, version, to) => void done.push(`from ${version} to ${to}`),
    ...changes,
  };
  const stage = slotStage({ versions });
  stage.save("h", "v1", module);
  const told = { stage, slot: await stage.slot("h"), done };
  return told;
}

function save({ stage, slot }: Told, version: string, module = of()): Promise<void> {
  return slot.reload(stage.save("h", version, module), stage.clock.monotonicMs());
}

const workerOf = ({ stage }: Told, version: string): FakeWorker | undefined =>
  stage.workers.alive.findLast(({ bundle }) => bundle.endsWith(`${version}.mjs`));

const types = ({ stage }: Told) =>
  stage.events.events.map(({ type }) => type).filter((type) => type.startsWith("canary"));

describe("a version that is tried", () => {
  test("leaves the one that serves the handler's, and takes over once it has handled enough", async () => {
    const told = await tried();
    await save(told, "v2");
    expect(told.slot.status).toMatchObject({ version: "v1", canary: { version: "v2", percent: 50, messages: 2 } });
    expect(told.done).toEqual(["v1 serves", "v1 is kept"]);
    told.stage.binder.bindings[0]!.arrive(1, 2, 3, 4);
    const [one, two] = [workerOf(told, "v1")!, workerOf(told, "v2")!];
    expect(one.handed.length).toBe(2);
    for (const worker of [one, two]) for (const at of [0, 1]) worker.returned(at);
    await Promise.resolve();
    await told.slot.settled();
    expect(told.slot.status).toMatchObject({ version: "v2", canary: undefined });
    expect([types(told), told.done.at(-1)]).toEqual([["canary.began", "canary.passed"], "v2 serves"]);
    expect(told.stage.binder.bindings.length).toBe(1);
  });

  test("is returned when its process ends, which is said once what it goes back to is kept (T3, T4)", async () => {
    let keep = () => {};
    const keepNow = () => new Promise<void>((resolve) => (keep = resolve));
    const told = await tried(of(), { keepNow });
    await save(told, "v2");
    const exited = told.stage.events.next("canary.returned");
    workerOf(told, "v2")!.crash();
    expect(await exited).toMatchObject({ version: "v2", before: "v1" });
    expect(told.slot.status).toMatchObject({ version: "v1", state: "serving", canary: undefined, restarts: 0 });
    expect(told.done).toEqual(["v1 serves"]);
    keep();
    await Promise.resolve();
    await Promise.resolve();
    expect(told.done).toEqual(["v1 serves", "from v2 to v1"]);
  });

  test("is tried anew when an operator has ended its process (T4)", async () => {
    const told = await tried();
    await save(told, "v2");
    const { stage, slot } = told;
    stage.binder.bindings[0]!.arrive(1, 2);
    const handed = workerOf(told, "v2")!.handed.map(({ seq }) => seq);
    const running = slot.messages.all().find(({ delivery }) => handed.includes(delivery.seq))!;
    const again = stage.events.next("canary.began");
    void slot.messages.cancel(running.id, "me");
    stage.clock.advance(1_000);
    expect(await again).toMatchObject({ version: "v2" });
    expect(slot.status).toMatchObject({ version: "v1", canary: { own: { handled: 0 } } });
  });

  test("takes over when the version before keeps dying", async () => {
    const told = await tried();
    await save(told, "v2");
    const { stage, slot } = told;
    for (const waitMs of [0, 500, 1_000, 2_000, 4_000, 0]) {
      const exited = stage.events.next("worker.exited");
      workerOf(told, "v1")!.crash();
      await exited;
      await slot.settled();
      stage.clock.advance(waitMs);
      await slot.settled();
    }
    expect(slot.status).toMatchObject({ state: "serving", version: "v2", canary: undefined });
    stage.binder.bindings[0]!.arrive(1, 2);
    expect(workerOf(told, "v2")!.handed.length).toBe(2);
  });

  test("wakes the version before, which has its part of the messages to run", async () => {
    const told = await tried(of({ idle: "1s" }));
    told.stage.clock.advance(60_000);
    await told.slot.settled();
    expect(told.slot.status.state).toBe("idle");
    await save(told, "v2");
    await told.slot.settled();
    expect(told.slot.status).toMatchObject({ state: "serving", version: "v1", canary: { version: "v2" } });
    expect(told.stage.workers.alive.length).toBe(2);
  });

  test("ends with the handler: nothing of either is left", async () => {
    const told = await tried();
    await save(told, "v2");
    await told.slot.close(1_000);
    expect([told.stage.workers.alive, told.stage.clock.pending]).toEqual([[], 0]);
    expect(told.stage.retired.toSorted()).toEqual(["v1", "v2"]);
  });

  test("one that does not come up leaves the trial of the one before it alone (S2)", async () => {
    const told = await tried();
    await save(told, "v2");
    await told.slot.reload(told.stage.save("h", "v3", "Unexpected end of file"), told.stage.clock.monotonicMs());
    expect(told.slot.status).toMatchObject({ version: "v1", canary: { version: "v2" } });
  });
});

describe("a version that is not tried (T2)", () => {
  test.each([
    ["takes other messages", of(), of({ subject: "b" }), /it takes other messages/],
    ["comes after one of several workers", of({ canary: undefined, workers: 2 }), of(), /has 2 workers/],
  ])("one that %s", async (_, before, module, why) => {
    const told = await tried(before);
    await told.slot.settled();
    await save(told, "v2", module);
    expect(told.slot.status).toMatchObject({ version: "v2", canary: undefined });
    const message = expect.stringMatching(why);
    expect(told.stage.events.events).toContainEqual(expect.objectContaining({ type: "runtime.notice", message }));
  });

  test("one beside a version that nobody could go back to", async () => {
    const told = await tried(of(), { mayTry: () => "not-kept" });
    await save(told, "v2");
    expect(told.slot.status).toMatchObject({ version: "v2", canary: undefined });
    const message = expect.stringContaining("no version is kept that every replica could go back to");
    expect(told.stage.events.events).toContainEqual(expect.objectContaining({ type: "runtime.notice", message }));
  });

  test("one that an operator insists on, without a word", async () => {
    const told = await tried(of(), { mayTry: () => false });
    await save(told, "v2");
    expect(told.slot.status).toMatchObject({ version: "v2", canary: undefined });
    expect(told.stage.events.events.filter(({ type }) => type === "runtime.notice")).toEqual([]);
  });
});
