// `handlers cancel`: one message that runs is ended, and nothing else.
// @module-tag any-server

import { jetstreamManager } from "@nats-io/jetstream";
import { beforeEach, expect, it } from "vitest";
import { run } from "../../runtime/cli/run.ts";
import { DeadLetterBox } from "../../runtime/dead-letters/dead-letter-box.ts";
import { removeStreams } from "../support/remove-streams.ts";
import { type TestRuntime, useStage } from "../support/runtime.ts";
import { fakeTerminal } from "../unit/cli/fake-terminal.ts";

const stage = useStage();

beforeEach(async () => {
  await removeStreams(await jetstreamManager(stage.client.connection));
});

/** Says when it begins; then waits for its signal, blocks, or ends. */
const WORK = `export const metadata = {
  subject: "work", kind: "durable", stream: "WORK", concurrency: 4, timeout: "10m", retry: { attempts: 5 },
};
export default async (event, ctx) => {
  await ctx.publish("begun", { n: event.n, attempt: ctx.attempt, pid: process.pid });
  if (event.how === "blocks") for (;;);
  if (event.how === "waits") await new Promise((_, reject) => ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason)));
  if (event.how === "ignores") await new Promise(() => {});
  await ctx.publish("done", { n: event.n });
};\n`;
const ASK = `export const metadata = { subject: "ask", kind: "request", timeout: "10m" };
export default async (event, ctx) => {
  await ctx.publish("begun", { n: 0 });
  await new Promise((_, reject) => ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason)));
};\n`;

interface Begun {
  readonly n: number;
  readonly attempt: number;
  readonly pid: number;
}

interface RunningJson {
  readonly running: readonly { readonly handler: string; readonly id: string; readonly ranMs: number }[];
}

async function handlers(app: TestRuntime, ...args: string[]) {
  const terminal = fakeTerminal({ cwd: app.project.rootDir, env: { NATS_URL: stage.server.url } });
  const code = await run(args, terminal);
  return { code, stdout: terminal.stdout(), stderr: terminal.stderr() };
}

async function running(app: TestRuntime, ...names: string[]): Promise<RunningJson["running"]> {
  const { stdout } = await handlers(app, "running", ...names, "--json");
  return (JSON.parse(stdout) as RunningJson).running;
}

const letters = () => new DeadLetterBox(stage.client.connection, "shop").list();

async function startWork(): Promise<TestRuntime> {
  await (await jetstreamManager(stage.client.connection)).streams.add({ name: "WORK", subjects: ["work"] });
  return stage.start({ handlers: { "work.js": WORK } });
}

for (const how of ["waits", "ignores", "blocks"] as const) {
  it(`a message whose handler ${how} is ended, becomes a dead letter that says who ended it, and never runs again`, async () => {
    const app = await startWork();
    const begun = await stage.client.collect<Begun>("begun");
    const done = await stage.client.collect<Begun>("done");
    stage.client.publish("work", { n: 1, how });
    await begun.until(1);
    const [found] = await running(app, "work");
    const failed = app.next("delivery.failed", { handler: "work" });
    const { code, stdout } = await handlers(app, "cancel", found?.id ?? "");
    expect({ code, stdout }).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^work: cancelled after it had run/),
    });
    expect(await failed).toMatchObject({ outcome: "cancelled", attempt: 1, error: { code: "MESSAGE_CANCELLED" } });
    expect(app.told("delivery.cancelled")).toMatchObject([{ id: found?.id, by: expect.stringMatching(/^\S+@\S+$/) }]);
    await expect
      .poll(letters)
      .toMatchObject([{ reason: "cancelled", message: expect.stringContaining("cancelled by") }]);
    // Whatever came of its worker: the next ones run, and this one does not come again.
    for (const n of [2, 3]) stage.client.publish("work", { n, how: "ends" });
    expect(await done.until(2)).toEqual(expect.arrayContaining([{ n: 2 }, { n: 3 }]));
    expect((await begun.until(3)).map(({ n }) => n).sort()).toEqual([1, 2, 3]);
    await expect.poll(() => running(app)).toEqual([]);
    expect(app.status("work").state).toBe("serving");
  });
}

it("what its worker had in hand beside a message that blocks runs again, at the same attempt, and is not charged", async () => {
  const app = await startWork();
  const begun = await stage.client.collect<Begun>("begun");
  const done = await stage.client.collect<Begun>("done");
  stage.client.publish("work", { n: 1, how: "ignores" });
  await begun.until(1);
  stage.client.publish("work", { n: 2, how: "blocks" });
  await begun.until(2);
  const blocking = (await running(app, "work")).at(-1)?.id ?? "";
  expect((await handlers(app, "cancel", blocking)).code).toBe(0);
  const again = await begun.until(3);
  expect(again.at(-1)).toMatchObject({ n: 1, attempt: 1 });
  expect(again.at(-1)?.pid).not.toBe(again[0]?.pid);
  await expect.poll(letters).toMatchObject([{ reason: "cancelled" }]);
  const [left] = await running(app, "work");
  expect((await handlers(app, "cancel", left?.id ?? "")).code).toBe(0);
  stage.client.publish("work", { n: 3, how: "ends" });
  expect(await done.until(1)).toEqual([{ n: 3 }]);
});

it("whoever waits for the reply is told that an operator has ended it", async () => {
  const app = await stage.start({ handlers: { "ask.js": ASK } });
  const begun = await stage.client.collect("begun");
  const asked = stage.client.ask("ask", {});
  await begun.until(1);
  const [found] = await running(app);
  await handlers(app, "cancel", found?.id ?? "");
  const { code, error } = await asked;
  expect({ code, error }).toMatchObject({ code: 500, error: expect.stringContaining("was cancelled by") });
});

it("a message that nobody runs is refused, and one that several run asks whose is meant", async () => {
  const app = await startWork();
  const none = await handlers(app, "cancel", "no-such-message");
  expect(none).toMatchObject({ code: 2, stderr: expect.stringContaining("no handler runs a message") });
  app.project.write("twin.js", WORK);
  await app.next("handler.serving", { handler: "twin" });
  const begun = await stage.client.collect<Begun>("begun");
  stage.client.publish("work", { n: 1, how: "waits" });
  await begun.until(2);
  const [found] = await running(app);
  const both = await handlers(app, "cancel", found?.id ?? "");
  expect(both).toMatchObject({ code: 2, stderr: expect.stringContaining("runs in twin and work") });
  expect((await handlers(app, "cancel", found?.id ?? "", "--handler", "twin")).code).toBe(0);
  expect((await running(app)).map(({ handler }) => handler)).toEqual(["work"]);
  expect((await handlers(app, "cancel", found?.id ?? "")).code).toBe(0);
});
