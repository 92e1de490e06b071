// `throw new SlowDown(...)`: the other side has said 429, so every replica of the handler pauses, and nothing is charged.

import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import { beforeEach, describe, expect, it } from "vitest";
import { runCli } from "../support/cli-process.ts";
import { removeStreams } from "../support/remove-streams.ts";
import { type TestRuntime, useStage } from "../support/runtime.ts";

interface Ran {
  readonly n: number;
  readonly attempt: number;
}

const stage = useStage();
let jsm: JetStreamManager;
beforeEach(async () => {
  jsm = await jetstreamManager(stage.client.connection);
  await removeStreams(jsm);
  await jsm.streams.add({ name: "T", subjects: ["t.>"] });
});

/** Asks the other side, which is the test, whether it may. */
const asking = (kind: string, pause: string, subject = "t.a") => `
  import { SlowDown } from "nats-handlers";
  export const metadata = { subject: "${subject}", kind: "${kind}", concurrency: 1 };
  export default async ({ n }, ctx) => {
    const { status } = await ctx.request("other.side", { n, attempt: ctx.attempt });
    if (status === 429) throw new SlowDown("${pause}", "the other side says 429");
  };`;

/** What the other side was asked; it says 429 as long as `isBusy`. */
function otherSide(): { readonly ran: Ran[]; isBusy: boolean } {
  const side = { ran: [] as Ran[], isBusy: false };
  stage.client.connection.subscribe("other.side", {
    callback: (_error, message) => {
      side.ran.push(message.json<Ran>());
      message.respond(JSON.stringify({ status: side.isBusy ? 429 : 200 }));
    },
  });
  return side;
}

const store = async (n: number) => stage.client.connection.request("t.a", JSON.stringify({ n }));
const held = (app: TestRuntime) => app.status("h").holds.map(({ reason }) => reason);

describe("a durable handler that is told to slow down", () => {
  it("pauses in every replica, says so, and goes on with nothing charged and nothing lost", async () => {
    const side = otherSide();
    const handlers = { "h.js": asking("durable", "4s") };
    const replicas = [await stage.start({ handlers }), await stage.start({ handlers })];
    await store(0);
    await expect.poll(() => side.ran.length).toBe(1);
    side.isBusy = true;
    await store(1);
    await expect.poll(() => replicas.map(held)).toEqual([["slowed-down"], ["slowed-down"]]);
    side.isBusy = false;
    const before = side.ran.length;
    for (let n = 2; n < 12; n++) await store(n);
    const released = replicas.map((app) => app.next("handler.released", { reason: "slowed-down" }));
    const cwd = replicas[0]!.project.rootDir;
    const { stdout } = await runCli(["inspect", "h"], { cwd, env: { NATS_URL: stage.server.url } });
    expect(stdout).toMatch(/it pauses until .*Z: it was told to slow down/);
    expect(side.ran.length).toBe(before);
    await Promise.all(released);
    await expect.poll(() => new Set(side.ran.map(({ n }) => n)).size).toBe(12);
    expect(new Set(side.ran.map(({ attempt }) => attempt))).toEqual(new Set([1]));
    await expect.poll(() => replicas.reduce((sum, app) => sum + app.status("h").failed, 0)).toBe(0);
  });
});

describe("an event handler that is told to slow down", { tags: ["any-server"] }, () => {
  it("keeps its message, and what comes meanwhile, until the pause is over", async () => {
    const side = otherSide();
    const app = await stage.start({ handlers: { "h.js": asking("event", "2s") } });
    side.isBusy = true;
    stage.client.publish("t.a", { n: 1 });
    await expect.poll(() => held(app)).toEqual(["slowed-down"]);
    side.isBusy = false;
    const released = app.next("handler.released", { reason: "slowed-down" });
    for (let n = 2; n < 7; n++) stage.client.publish("t.a", { n });
    await expect.poll(() => app.status("h").queued).toBe(6);
    expect(side.ran.map(({ n }) => n)).toEqual([1]);
    await released;
    await expect.poll(() => side.ran.map(({ n }) => n)).toEqual([1, 1, 2, 3, 4, 5, 6]);
  });
});

it("what is in hand when a handler is disabled is finished, though the other side says 429 just then", {
  tags: ["any-server"],
}, async () => {
  const asked = await stage.client.collect<Ran>("other.side");
  const app = await stage.start({ handlers: { "h.js": asking("event", "1h") } });
  for (let n = 1; n <= 4; n++) stage.client.publish("t.a", { n });
  await asked.until(1);
  await expect.poll(() => app.status("h").queued).toBe(3);
  const unbound = app.next("handler.unbound");
  const cwd = app.project.rootDir;
  const disabled = runCli(["disable", "h", "--reason", "test"], { cwd, env: { NATS_URL: stage.server.url } });
  await unbound;
  asked.messages[0]!.respond(JSON.stringify({ status: 429 }));
  for (let n = 2; n <= 4; n++) {
    await asked.until(n);
    asked.messages[n - 1]!.respond(JSON.stringify({ status: 200 }));
  }
  expect((await disabled).code).toBe(0);
  expect(asked.values.map(({ n }) => n)).toEqual([1, 2, 3, 4]);
  await expect.poll(() => [app.status("h").inFlight, app.status("h").queued]).toEqual([0, 0]);
});

it("a request that is told to slow down is answered with 429, and others are answered meanwhile", {
  tags: ["any-server"],
}, async () => {
  const side = otherSide();
  const app = await stage.start({ handlers: { "h.js": asking("request", "1h", "ask.a") } });
  side.isBusy = true;
  expect(await stage.client.ask("ask.a", { n: 1 })).toMatchObject({ code: 429, error: "the other side says 429" });
  side.isBusy = false;
  expect((await stage.client.ask("ask.a", { n: 2 })).code).toBe(0);
  expect(held(app)).toEqual([]);
});
