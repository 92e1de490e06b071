import { describe, expect, test } from "vitest";
import type { HandlerFile } from "../../../runtime/discover/handler-file.ts";
import { Supervisor } from "../../../runtime/supervise/supervisor.ts";
import type { FakeModule } from "../../support/fake-workers.ts";
import { fileOf, SHARED, slotStage } from "../../support/slot-stage.ts";

/** A supervisor over files that lie nowhere: `files` are those that are discovered next. */
function supervisorStage(candidatesAtOnce?: number, hold = false) {
  const stage = slotStage({}, candidatesAtOnce);
  const files = new Map<string, HandlerFile>();
  const { clock, events, deps } = stage;
  const supervisor = new Supervisor({
    discover: async () => ({ files: [...files.values()], conflicts: [], problems: [] }),
    wanted: () => true,
    disabledFromStart: () => undefined,
    hold,
    eagerWorkers: 32,
    deps,
    clock,
    emit: events.emit,
    onInputs: undefined,
  });
  return {
    ...stage,
    files,
    supervisor,
    save(handler: string, version: string, module: FakeModule | string) {
      files.set(handler, stage.save(handler, version, module));
    },
    state: (handler: string) => supervisor.status().find(({ name }) => name === handler)?.state,
    served: () => events.events.flatMap((told) => (told.type === "handler.serving" ? [told] : [])),
  };
}

const on = (subject: string): FakeModule => ({ metadata: { subject } });

test("a supervisor that is told to hold has every handler off, also one that comes later, until it is let go", async () => {
  const { save, supervisor, state } = supervisorStage(undefined, true);
  save("a", "v1", on("a"));
  save("b", "v1", on("b"));
  await supervisor.changed(new Set());
  expect([state("a"), state("b")]).toEqual(["disabled", "disabled"]);
  expect(supervisor.status()[0]?.disabled).toMatchObject({ source: "start", by: "start --hold" });
  supervisor.letGo("a");
  supervisor.letGo("c");
  await supervisor.setOperatorIntent("a", undefined);
  save("c", "v1", on("c"));
  await supervisor.changed(new Set());
  await expect.poll(() => [state("a"), state("b"), state("c")]).toEqual(["serving", "disabled", "serving"]);
  await supervisor.close(1_000);
});

describe("files that come, change and go", () => {
  test("are brought up, reloaded and taken down", async () => {
    const { save, supervisor, files, served, state, events, clock } = supervisorStage();
    save("a", "v1", on("a"));
    save("b", "v1", on("b"));
    await supervisor.start();
    save("a", "v2", on("a"));
    files.delete("b");
    await supervisor.changed(new Set([fileOf("a").path, fileOf("b").path]));
    await supervisor.settled();
    const told = served().map(({ handler, version }) => `${handler} ${version}`);
    expect(told.toSorted()).toEqual(["a v1", "a v2", "b v1"]);
    expect(state("b")).toBe("serving");
    const removed = events.next("handler.removed");
    clock.advance(250);
    expect(await removed).toMatchObject({ handler: "b" });
    expect(state("b")).toBeUndefined();
  });
});

describe("a file that is missing", () => {
  test("has a grace of its own: one first missed just before an earlier one's grace ends keeps all of it", async () => {
    const { save, supervisor, files, state, events, clock } = supervisorStage();
    save("a", "v1", on("a"));
    save("b", "v1", on("b"));
    await supervisor.start();
    files.delete("a");
    await supervisor.changed(new Set());
    clock.advance(240);
    const b = files.get("b")!;
    files.delete("b");
    await supervisor.changed(new Set());
    const removed = events.next("handler.removed");
    clock.advance(10);
    expect(await removed).toMatchObject({ handler: "a" });
    clock.advance(230);
    files.set("b", b);
    await supervisor.changed(new Set());
    clock.advance(1_000);
    await supervisor.changed(new Set());
    expect([state("b"), clock.pending]).toEqual(["serving", 1]);
    await supervisor.close(1_000);
  });

  const request: FakeModule = { metadata: { subject: "q", kind: "request" } };

  /** "old" serves `q`, and is then renamed to "new". */
  async function renamed(module: FakeModule = request) {
    const stage = supervisorStage();
    stage.save("old", "v1", request);
    await stage.supervisor.start();
    stage.files.delete("old");
    stage.save("new", "v1", module);
    const done = stage.supervisor.changed(new Set([fileOf("old").path, fileOf("new").path]));
    return { ...stage, done };
  }

  test("gives its subject up to one that comes, which is bound before it is unbound: a rename leaves no gap", async () => {
    const { events, binder, state, supervisor } = await renamed();
    await events.next("handler.removed", 0);
    await supervisor.settled();
    const told = events.events.flatMap((event) =>
      /bound|failed/.test(event.type) && "handler" in event ? [`${event.type} ${event.handler}`] : [],
    );
    expect(told).toEqual(["handler.bound old", "handler.bound new", "handler.unbound old"]);
    expect([binder.bound.length, state("new"), state("old")]).toEqual([1, "serving", undefined]);
  });

  test("goes on as long as one that may take its place is coming up, however long that takes", async () => {
    const evaluated = Promise.withResolvers<void>();
    const { events, binder, state, supervisor, clock, done } = await renamed({
      ...request,
      evaluate: () => evaluated.promise,
    });
    await done;
    for (let at = 0; at < 8; at++) {
      clock.advance(250);
      await supervisor.changed(new Set());
    }
    expect([state("old"), state("new")]).toEqual(["serving", "starting"]);
    evaluated.resolve();
    await events.next("handler.removed", 0);
    await supervisor.settled();
    expect([binder.bound.length, state("new"), state("old")]).toEqual([1, "serving", undefined]);
    await supervisor.close(1_000);
  });

  test("goes on with its subject when the one that comes does not come up, until its grace is over", async () => {
    const { events, state, supervisor, clock, done } = await renamed({
      ...request,
      evaluate: () => Promise.reject(new Error("no")),
    });
    await done;
    await events.next("handler.failed", 0);
    await supervisor.settled();
    expect(state("old")).toBe("serving");
    const removed = events.next("handler.removed");
    clock.advance(250);
    expect(await removed).toMatchObject({ handler: "old" });
  });

  test("keeps its subject when it is back before the one that comes is bound", async () => {
    let cameUp = () => {};
    const setup = () => new Promise<void>((resolve) => (cameUp = resolve));
    const { events, files, state, supervisor, workers, done } = await renamed({ ...request, setup });
    await done;
    await expect.poll(() => workers.taken.length).toBe(2);
    await new Promise((resolve) => setImmediate(resolve));
    files.set("old", fileOf("old"));
    await supervisor.changed(new Set());
    cameUp();
    expect(await events.next("handler.failed", 0)).toMatchObject({
      handler: "new",
      error: { code: "SUBJECT_CONFLICT" },
    });
    expect([state("old"), events.events.filter(({ type }) => type === "handler.bound").length]).toEqual(["serving", 1]);
  });
});

describe("a module of many handlers that is saved often", () => {
  const NAMES = ["a", "b", "c", "d"];

  /** One version comes up at a time, and waits at its top level until it is let go. */
  async function crowd() {
    const stage = supervisorStage(1);
    const waiting: (() => void)[] = [];
    for (const name of NAMES) stage.save(name, "v1", on(name));
    await stage.supervisor.start();
    const evaluate = () => new Promise<void>((resolve) => waiting.push(resolve));
    /** Resolves once the first of the new versions is coming up. */
    async function saveAll(version: string) {
      const before = waiting.length;
      stage.clock.advance(1);
      for (const name of NAMES) stage.save(name, version, { ...on(name), evaluate });
      await stage.supervisor.changed(new Set([SHARED]));
      await expect.poll(() => waiting.length).toBe(before + 1);
    }
    return { ...stage, waiting, saveAll };
  }

  test("takes no worker for a start that is superseded while it waits", async () => {
    const { workers, saveAll } = await crowd();
    for (const version of ["v2", "v3", "v4"]) await saveAll(version);
    expect(workers.taken.length).toBe(NAMES.length + 3);
  });

  test("gives every handler its turn, though each save comes before the last has one; and always the newest code", async () => {
    const { waiting, saveAll, events, served } = await crowd();
    for (const version of ["v2", "v3", "v4", "v5"]) {
      const from = events.events.length;
      await saveAll(version);
      waiting.at(-1)!();
      expect(await events.next("handler.serving", from)).toMatchObject({ version });
    }
    const turns = served().slice(NAMES.length);
    expect(turns.map(({ handler }) => handler).sort()).toEqual(NAMES);
  });
});
