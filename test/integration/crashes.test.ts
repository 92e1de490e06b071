// Handlers that take their worker with them: they hurt themselves, and nobody else.
// @module-tag any-server

import { expect, it } from "vitest";
import type { TestClient } from "../support/client.ts";
import { ended } from "../support/processes.ts";
import { fixture } from "../support/project.ts";
import { type TestRuntime, useStage } from "../support/runtime.ts";

const stage = useStage();
const QUICK = { killGrace: "200ms" } as const;
const NEIGHBOURS = 40;

function startWith(culprit: string): Promise<TestRuntime> {
  const handlers = { "culprit.ts": fixture(culprit), "neighbour.ts": fixture("counts.ts") };
  return stage.start({ handlers, config: QUICK });
}

/** Ten messages for the culprit, the fourth of them bad, among those for its neighbour. */
async function misbehave(client: TestClient, bad: unknown = true) {
  const culprit = await client.collect<number>("handled.culprit");
  const neighbour = await client.collect<number>("handled.neighbour");
  for (let n = 1; n <= NEIGHBOURS; n++) {
    client.publish("neighbour", n);
    if (n <= 10) client.publish("culprit", n === 4 ? { n, bad } : { n });
  }
  return { culprit, neighbour };
}

const innocent = [1, 2, 3, 5, 6, 7, 8, 9, 10];
const sorted = (values: readonly number[]) => [...new Set(values)].sort((a, b) => a - b);

for (const { name, outcome, code, says } of [
  { name: "exits-the-process", outcome: "crashed", code: "WORKER_CRASHED", says: /exit code 3/ },
  { name: "aborts-the-process", outcome: "crashed", code: "WORKER_CRASHED", says: /SIGABRT/ },
  { name: "kills-itself", outcome: "crashed", code: "WORKER_CRASHED", says: /SIGKILL/ },
  { name: "throws-in-a-timer", outcome: "crashed", code: "WORKER_CRASHED", says: /exit code 1/ },
  { name: "leaves-a-rejection", outcome: "crashed", code: "WORKER_CRASHED", says: /exit code 1/ },
  { name: "loops-forever", outcome: "timed-out", code: "HANDLER_TIMED_OUT", says: /250 ms and blocked/ },
  { name: "never-returns", outcome: "timed-out", code: "HANDLER_TIMED_OUT", says: /within 250 ms$/ },
  { name: "fills-its-heap", outcome: "out-of-memory", code: "WORKER_OUT_OF_MEMORY", says: /out of memory/ },
] as const) {
  it(`a handler that ${name.replaceAll("-", " ")} fails its own message; all others are handled, and it comes back`, async () => {
    const app = await startWith(`${name}.ts`);
    const failed = app.next("delivery.failed", { handler: "culprit" });
    const { culprit, neighbour } = await misbehave(stage.client);
    expect(await failed).toMatchObject({ outcome, subject: "culprit", error: { code, handler: "culprit" } });
    expect((await failed).error.message).toMatch(says);
    expect((await neighbour.until(NEIGHBOURS)).length).toBe(NEIGHBOURS);
    expect(sorted(await culprit.when((values) => sorted(values).length === 9))).toEqual(innocent);
    expect(app.told("delivery.failed").length).toBe(1);
    expect(app.told("worker.exited")).not.toEqual([]);
    expect(app.told("worker.exited").every(({ handler }) => handler === "culprit")).toBe(true);
  });
}

it("the report of a crash has the author's last lines and points into the TypeScript", async () => {
  const app = await startWith("throws-in-a-timer.ts");
  const failed = await app.after(() => stage.client.publish("culprit", { n: 1, bad: true }), "delivery.failed");
  expect(failed.error.stack).toContain("thrown in a timer");
  expect(failed.error.place).toMatchObject({ file: "handlers/culprit.ts", line: 8 });
});

it("a worker killed from outside is noticed at once; what it had in hand alone is its crash, what waits is handled", async () => {
  const app = await stage.start({ handlers: { "gated.ts": fixture("waits-at-a-gate.ts") } });
  const handled = await stage.client.collect<{ n: number }>("handled.gated");
  const gate = await stage.client.collect<{ pid: number }>("gate");
  stage.client.publish("gated", 1);
  const [first] = await gate.until(1);
  const failed = await app.after(() => process.kill(first!.pid, "SIGKILL"), "delivery.failed");
  expect(failed).toMatchObject({ outcome: "crashed", error: { code: "WORKER_CRASHED" } });
  stage.client.publish("gated", 2);
  await gate.until(2);
  gate.messages[1]?.respond("null");
  expect((await handled.until(1)).map(({ n }) => n)).toEqual([2]);
  await ended(first!.pid);
});

it("of several in flight when the worker dies each is run again alone, and only the culprit is charged", async () => {
  const app = await stage.start({ handlers: { "gated.ts": fixture("waits-at-a-gate.ts") } });
  const handled = await stage.client.collect<{ n: number; together: number }>("handled.gated");
  const gate = await stage.client.collect<{ n: number; together: number; pid: number }>("gate");
  for (let n = 1; n <= 8; n++) stage.client.publish("gated", n);
  await gate.until(8);
  const failed = app.next("delivery.failed");
  const open = (n: number) => (n === 5 ? '"exit"' : "null");
  gate.messages[gate.values.findIndex(({ n }) => n === 5)]?.respond(open(5));
  for (let at = 8; at < 16; at++) {
    const again = await gate.until(at + 1);
    expect(again.length).toBe(at + 1);
    gate.messages[at]?.respond(open(again[at]!.n));
  }
  expect((await failed).outcome).toBe("crashed");
  const values = await handled.until(7);
  expect(sorted(values.map(({ n }) => n))).toEqual([1, 2, 3, 4, 6, 7, 8]);
  expect(gate.values.slice(8).map(({ together }) => together)).toEqual(Array(8).fill(1));
  expect(app.told("delivery.failed").length).toBe(1);
});

it("a flood of output slows down the handler that writes it, and is told in bounded lines", async () => {
  const app = await startWith("floods-its-output.ts");
  const rssBefore = process.memoryUsage().rss;
  const { culprit, neighbour } = await misbehave(stage.client);
  expect((await neighbour.until(NEIGHBOURS)).length).toBe(NEIGHBOURS);
  expect(sorted(await culprit.until(10))).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  const lines = app.told("handler.output");
  expect(lines.every(({ line }) => line.length <= 8_200)).toBe(true);
  expect(lines.every(({ handler }) => handler === "culprit")).toBe(true);
  expect(process.memoryUsage().rss - rssBefore).toBeLessThan(150 * 1024 * 1024);
  expect(app.told("delivery.failed")).toEqual([]);
});

it("garbage on a worker's own socket ends that worker, and the supervisor goes on", async () => {
  const kinds = [
    ...["text", "zeros", "unknown type", "wrong phase", "empty publish", "short request", "lying publish", "no JSON"],
    ...["unknown outcome", "empty outcome", "outcome without error", "short done", "endless done"],
  ];
  const text = fixture("writes-to-the-socket.ts");
  const handlers = Object.fromEntries(
    kinds.map((_, at) => [`h${at}.ts`, text.replace('subject: "culprit"', `subject: "culprit.${at}"`)]),
  );
  const app = await stage.start({ handlers });
  const handled = await stage.client.collect<number>("handled.culprit");
  for (const [at, bad] of kinds.entries()) {
    const failed = await app.after(() => stage.client.publish(`culprit.${at}`, { n: at, bad }), "delivery.failed");
    expect([bad, failed.handler, failed.error.code]).toEqual([bad, `h${at}`, "WORKER_CRASHED"]);
    expect(failed.error.message).toContain("the worker was killed: it broke the protocol (");
    stage.client.publish(`culprit.${at}`, { n: at });
    expect(await handled.until(at + 1)).toEqual(kinds.slice(0, at + 1).map((_, n) => n));
  }
});
