// `handlers start --hold`: the day after an outage, everything comes up off, and operators turn on one handler after the other.

import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type CliProcess, runCli, startCli } from "../support/cli-process.ts";
import { freePort } from "../support/free-port.ts";
import { createProject, type TestProject } from "../support/project.ts";
import { removeStreams } from "../support/remove-streams.ts";
import { useStage } from "../support/runtime.ts";

const stage = useStage();
const cleanups: (() => unknown)[] = [];
let project: TestProject;
let jsm: JetStreamManager;

const handler = (subject: string, kind: string) => `
  export const metadata = { subject: "${subject}", kind: "${kind}" };
  export default async ({ n }, ctx) => { await ctx.publish("ran." + ctx.subject, { n, attempt: ctx.attempt }); return "here"; };`;

beforeEach(async () => {
  jsm = await jetstreamManager(stage.client.connection);
  await removeStreams(jsm);
  await jsm.streams.add({ name: "T", subjects: ["t.>"] });
  project = createProject({
    "a.js": handler("t.a", "durable"),
    "b.js": handler("t.b", "durable"),
    "ask.js": handler("ask", "request"),
  });
});

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  project.end();
});

const env = () => ({ NATS_URL: stage.server.url });
const cli = (...args: string[]) => runCli(args, { cwd: project.rootDir, env: env() });

async function start(...args: string[]): Promise<CliProcess> {
  const app = startCli(["start", ...args], { cwd: project.rootDir, env: env() });
  cleanups.push(async () => {
    app.child.kill("SIGTERM");
    await app.ended;
  });
  await app.printed(/"event":"runtime\.ready"/);
  return app;
}

async function states(): Promise<Record<string, string>> {
  const { handlers } = JSON.parse((await cli("status", "--json")).stdout) as {
    readonly handlers: readonly { readonly name: string; readonly state: string }[];
  };
  return Object.fromEntries(handlers.map(({ name, state }) => [name, state]));
}

async function store(subject: string, count: number): Promise<void> {
  for (let n = 0; n < count; n++) await stage.client.connection.request(subject, JSON.stringify({ n }));
}

it("nothing is bound and what is stored waits; each handler begins when it is enabled, on every replica that is held", async () => {
  await store("t.a", 3);
  const ran = await stage.client.collect<{ n: number; attempt: number }>("ran.>");
  const port = await freePort();
  const first = await start("--hold", "--http-port", String(port));
  const second = await start("--hold");
  expect(first.text()).toContain("every handler is off in this replica (start --hold)");
  expect(await states()).toEqual({ a: "disabled", ask: "disabled", b: "disabled" });
  expect((await cli("status")).stdout).toContain("disabled by start --hold, until it is enabled");
  const ready = await fetch(`http://127.0.0.1:${port}/readyz`);
  expect([ready.status, await ready.json()]).toEqual([200, expect.objectContaining({ held: ["a", "ask", "b"] })]);
  await expect(stage.client.ask("ask")).rejects.toThrow(/no responders/);
  await store("t.b", 2);

  const enabled = await cli("enable", "a");
  expect(enabled).toMatchObject({ code: 0, stderr: "" });
  expect(enabled.stdout).toMatch(/\+ a enabled; serving on 2 replicas/);
  const messages = await ran.until(3);
  expect(messages.map(({ n }) => n).sort()).toEqual([0, 1, 2]);
  expect(messages.every(({ attempt }) => attempt === 1)).toBe(true);
  expect(await states()).toMatchObject({ ask: "disabled", b: "disabled" });

  expect((await cli("enable", "*")).code).toBe(0);
  await ran.until(5);
  expect((await stage.client.ask("ask", { n: 1 })).value).toBe("here");
  for (const app of [first, second]) expect(app.text()).not.toContain("delivery.failed");
});

it("what was enabled before the start does not lift it, and neither does the end of what an operator said", async () => {
  const before = await start();
  expect((await cli("disable", "a")).code).toBe(0);
  expect((await cli("enable", "a")).code).toBe(0);
  before.child.kill("SIGTERM");
  await before.ended;
  const app = await start("--hold");
  expect((await states()).a).toBe("disabled");
  expect((await cli("disable", "b", "--for", "1s")).code).toBe(0);
  // The replica says in the bucket that its time is over.
  const over = async () =>
    (await jsm.streams.getMessage("KV_shop_handlers", { last_by_subj: "$KV.shop_handlers.b" }))?.string();
  await expect.poll(over).toContain("its time was over");
  expect((await cli("status")).stdout).not.toContain("operator");
  expect((await states()).b).toBe("disabled");
  expect((await cli("enable", "b")).stdout).toMatch(/\+ b enabled; serving on 1 replica/);
  expect(app.text()).toContain('"handler.enabled"');
});
