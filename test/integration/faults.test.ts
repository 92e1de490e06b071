// One misbehaviour after the other, each beside healthy neighbours under steady load: the neighbours lose nothing, the
// culprit is named with its reason and comes back, its message has its outcome, and the supervisor is as it was before.
// @module-tag any-server

import { expect, it } from "vitest";
import type { Clock } from "../../runtime/clock.ts";
import type { ErrorCode } from "../../runtime/errors.ts";
import type { OutcomeKind } from "../../runtime/message/outcome.ts";
import { connectClient } from "../support/client.ts";
import { heldMiB, noDescriptorsLeft, openDescriptors } from "../support/footprint.ts";
import { hurriedRestarts } from "../support/hurried-clock.ts";
import { loadNeighbours, NEIGHBOURS } from "../support/neighbour.ts";
import { fixture, type Replacements } from "../support/project.ts";
import { type TestRuntime, useStage } from "../support/runtime.ts";
import { volume } from "../support/volume.ts";

const stage = useStage();
// None of the delays that `hurriedRestarts` cuts short.
const CONFIG = { killGrace: "200ms", startTimeout: "2500ms" } as const;
const GROWTH_MIB = 8;
const FLOOD = volume(100_000);
const BAD = { n: 1, bad: true };

/** The fixture as a request handler, so that each message's outcome comes back to the one who asked. */
function asking(name: string, replacements: Replacements = {}): string {
  return fixture(name, { 'subject: "culprit"': 'subject: "culprit", kind: "request"', ...replacements });
}

/** Run the handler beside neighbours under load, do what makes it misbehave, and check everything but the culprit. */
async function beside(culprit: string, misbehave: (app: TestRuntime) => Promise<void>, clock?: Clock): Promise<void> {
  const descriptors = openDescriptors();
  const app = await stage.start({
    handlers: { ...NEIGHBOURS, "culprit.ts": culprit },
    config: CONFIG,
    ...(clock && { clock }),
  });
  await stage.client.ask("echo", 0);
  const heldBefore = await heldMiB();
  const neighbours = await loadNeighbours(stage.client);
  await neighbours.more(20);
  await misbehave(app)
    .then(() => neighbours.more(20))
    .finally(() => neighbours.stop());
  expect(await neighbours.stop()).toMatchObject({ wrongEvents: [], wrongAnswers: [] });
  const named = [...app.told("delivery.failed"), ...app.told("worker.exited"), ...app.told("handler.failed")];
  expect(named.filter(({ handler }) => handler !== "culprit")).toEqual([]);
  expect(app.status("echo")).toMatchObject({ state: "serving", failed: 0, restarts: 0 });
  expect(app.status("neighbour")).toMatchObject({ state: "serving", failed: 0, restarts: 0 });
  expect((await heldMiB()) - heldBefore).toBeLessThan(GROWTH_MIB);
  await app.close(1_000);
  await noDescriptorsLeft(descriptors);
}

/** A good message is handled as if nothing had happened. */
async function comesBack(app: TestRuntime): Promise<void> {
  const good = await stage.client.ask("culprit", { n: 2 });
  expect([good.code, good.error]).toEqual([0, ""]);
  expect(app.status("culprit").state).toBe("serving");
}

interface Failing {
  readonly name: string;
  readonly does?: string;
  readonly replacements?: Replacements;
  readonly outcome: OutcomeKind;
  readonly code: ErrorCode;
  readonly answer: number;
  readonly says: RegExp;
  /** How its worker is said to have ended; undefined when the worker lives on. */
  readonly exits?: RegExp;
}

const threw = { outcome: "threw", code: "HANDLER_THREW", answer: 500 } as const;
const crashed = { outcome: "crashed", code: "WORKER_CRASHED", answer: 500 } as const;
const late = { outcome: "timed-out", code: "HANDLER_TIMED_OUT", answer: 504 } as const;
const full = {
  outcome: "out-of-memory",
  code: "WORKER_OUT_OF_MEMORY",
  answer: 500,
  says: /out of memory/,
  exits: /out of memory/,
} as const;
const killed = /was killed: it went on after the timeout/;

const FAILING: readonly Failing[] = [
  { name: "throws-at-once", ...threw, says: /thrown at once/ },
  { name: "throws-later", ...threw, says: /thrown later/ },
  { name: "leaves-a-rejection", ...crashed, says: /exit code 1/, exits: /exit code 1/ },
  { name: "throws-in-a-timer", ...crashed, says: /exit code 1/, exits: /exit code 1/ },
  { name: "exits-the-process", ...crashed, says: /exit code 3/, exits: /exit code 3/ },
  { name: "aborts-the-process", ...crashed, says: /SIGABRT/, exits: /SIGABRT/ },
  { name: "kills-itself", ...crashed, says: /SIGKILL/, exits: /SIGKILL/ },
  {
    name: "kills-itself",
    does: "breaks its memory",
    replacements: { SIGKILL: "SIGSEGV" },
    ...crashed,
    says: /SIGSEGV/,
    exits: /SIGSEGV/,
  },
  { name: "loops-forever", ...late, says: /250 ms and blocked/, exits: killed },
  { name: "loops-in-microtasks", ...late, says: /250 ms and blocked/, exits: killed },
  { name: "never-returns", ...late, says: /within 250 ms$/, exits: killed },
  { name: "ignores-the-abort", ...late, says: /within 250 ms$/, exits: killed },
  { name: "fills-its-heap", ...full },
  { name: "fills-an-array", ...full },
  { name: "fills-a-map", ...full },
  { name: "fills-a-string", ...full },
  { name: "fills-buffers", ...full },
  { name: "fills-buffers-at-once", ...full },
  { name: "closes-the-socket", ...crashed, says: /it closed its socket/, exits: /it closed its socket/ },
];

for (const { name, does = name.replaceAll("-", " "), replacements, outcome, code, answer, says, exits } of FAILING) {
  it(`a handler that ${does} fails its own message and nothing else`, async () => {
    await beside(asking(`${name}.ts`, replacements), async (app) => {
      const failed = app.next("delivery.failed");
      expect((await stage.client.ask("culprit", BAD)).code).toBe(answer);
      expect(await failed).toMatchObject({ handler: "culprit", outcome, error: { code, handler: "culprit" } });
      expect((await failed).error.message).toMatch(says);
      await comesBack(app);
      expect(app.told("delivery.failed").length).toBe(1);
      const ends = app.told("worker.exited").map(({ error }) => error?.message);
      expect(ends).toEqual(exits === undefined ? [] : [expect.stringMatching(exits)]);
    });
  });
}

it("a handler that throws after it has returned keeps its reply, and loses its worker by name", async () => {
  await beside(asking("throws-after-returning.ts"), async (app) => {
    const exited = app.next("worker.exited");
    expect((await stage.client.ask("culprit", BAD)).code).toBe(0);
    expect(await exited).toMatchObject({ handler: "culprit", error: { code: "WORKER_CRASHED" } });
    expect((await exited).error?.stack).toContain("thrown after returning");
    await comesBack(app);
    expect(app.told("delivery.failed")).toEqual([]);
  });
});

it("a handler that returns what cannot be sent fails that message, with the reason", async () => {
  await beside(fixture("returns-the-impossible.ts"), async (app) => {
    for (const what of ["bigint", "function", "symbol", "circle", "large"]) {
      const failed = app.next("delivery.failed");
      expect([what, (await stage.client.ask("impossible", JSON.stringify(what))).code]).toEqual([what, 500]);
      expect(await failed).toMatchObject({ handler: "culprit", error: { code: "NOT_SERIALIZABLE" } });
    }
    expect(app.told("worker.exited")).toEqual([]);
  });
});

for (const bad of ["text", "zeros", "endless done"]) {
  it(`a handler that writes ${bad} to the supervisor's socket loses its worker, with the reason in the log`, async () => {
    await beside(asking("writes-to-the-socket.ts"), async (app) => {
      const exited = app.next("worker.exited");
      expect((await stage.client.ask("culprit", { n: 1, bad })).code).toBe(500);
      expect((await exited).handler).toBe("culprit");
      const message = expect.stringContaining("was killed: it broke the protocol (");
      expect((await exited).error).toMatchObject({ code: "WORKER_CRASHED", message });
      expect(app.told("delivery.failed")).toMatchObject([
        { outcome: "crashed", error: { code: "WORKER_CRASHED", message } },
      ]);
      await comesBack(app);
    });
  });
}

for (const name of ["floods-its-output", "leaks-timers"]) {
  it(`a handler that ${name.replaceAll("-", " ")} is handled, and only it is slower`, async () => {
    await beside(asking(`${name}.ts`), async (app) => {
      expect((await stage.client.ask("culprit", BAD)).code).toBe(0);
      await comesBack(app);
      expect(app.told("delivery.failed")).toEqual([]);
      expect(app.told("worker.exited")).toEqual([]);
    });
  });
}

it("a handler that publishes tens of thousands of messages and awaits none has them all sent", async () => {
  // A connection that goes with its buffers before memory is looked at.
  const { connection } = await connectClient(stage.server.url);
  let seen = 0;
  connection.subscribe("flood.out", { callback: () => void seen++ });
  await connection.flush();
  await beside(fixture("floods-publishes.ts"), async (app) => {
    expect((await stage.client.ask("flood.start", FLOOD)).code).toBe(0);
    expect(app.told("delivery.failed")).toEqual([]);
    await connection.flush();
    await connection.close();
    expect(seen).toBe(FLOOD);
  });
});

for (const { name, code } of [
  { name: "loops-at-import", code: "HANDLER_LOAD_TIMED_OUT" },
  { name: "exits-at-import", code: "HANDLER_LOAD_FAILED" },
] as const) {
  it(`a handler that ${name.replaceAll("-", " ")} does not come up, and is said to`, async () => {
    await beside(fixture("echoes.ts", { '"echo"': '"good"' }), async (app) => {
      const spoil = () => app.project.copy(`${name}.ts`, "culprit.ts");
      expect(await app.after(spoil, "handler.failed")).toMatchObject({ handler: "culprit", error: { code } });
      expect((await stage.client.ask("good", 7)).value).toBe(7);
    });
  });
}

it("a handler that crash-loops is set aside, and requests to it are refused at once with the reason", async () => {
  await beside(
    fixture("crash-loops.ts", { KIND: "request" }),
    async (app) => {
      const quarantined = app.next("handler.quarantined");
      while (app.told("handler.quarantined").length === 0) {
        expect((await stage.client.ask("looping", BAD)).code).toBe(500);
      }
      expect(await quarantined).toMatchObject({ handler: "culprit", error: { code: "WORKER_CRASHED" } });
      const refused = await stage.client.ask("looping", { n: 1, bad: false });
      expect([refused.code, refused.error]).toEqual([503, expect.stringMatching(/quarantined: .*exit code 6/)]);
      expect(app.status("culprit").state).toBe("quarantined");
    },
    hurriedRestarts,
  );
});
