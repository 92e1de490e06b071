// `handlers enable NAME --rate` and `--first`: after an outage a handler comes back slowly, or with a few messages, on two replicas.

import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type CliProcess, runCli, startCli } from "../support/cli-process.ts";
import { createProject, type TestProject } from "../support/project.ts";
import { removeStreams } from "../support/remove-streams.ts";
import { useStage } from "../support/runtime.ts";

const stage = useStage();
const cleanups: (() => unknown)[] = [];
let project: TestProject;
let jsm: JetStreamManager;

interface Ran {
  readonly n: number;
  readonly attempt: number;
  readonly pid: number;
}

const handler = (metadata: string) => `
  export const metadata = { ${metadata} };
  export default async ({ n }, ctx) => {
    await ctx.publish("ran." + ctx.subject, { n, attempt: ctx.attempt, pid: process.pid });
    return n;
  };`;

beforeEach(async () => {
  jsm = await jetstreamManager(stage.client.connection);
  await removeStreams(jsm);
  await jsm.streams.add({ name: "T", subjects: ["t.>"] });
  project = createProject({
    "save.js": handler('subject: "t.save", kind: "durable", concurrency: 4'),
    "note.js": handler('subject: "note", kind: "event"'),
    "ask.js": handler('subject: "ask", kind: "request"'),
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

async function store(count: number, from = 0): Promise<void> {
  for (let n = from; n < from + count; n++) await stage.client.connection.request("t.save", JSON.stringify({ n }));
}

/** Every one of them has turned the handler off again: so many messages were let through. */
async function offAfter(count: number, ...apps: readonly CliProcess[]): Promise<void> {
  const off = new RegExp(`"event":"handler\\.disabled".*"${count} messages were let through"`);
  await Promise.all(apps.map((app) => app.printed(off)));
}

async function waiting(): Promise<number> {
  let sum = 0;
  for await (const { num_pending, num_ack_pending } of jsm.consumers.list("T")) sum += num_pending + num_ack_pending;
  return sum;
}

/** As the bucket has it. */
async function left(): Promise<number | undefined> {
  const kept = await jsm.streams.getMessage("KV_shop_handlers", { last_by_subj: "$KV.shop_handlers.save" });
  return (kept?.json() as { readonly first?: { readonly left: number } } | undefined)?.first?.left;
}

/** How many of a subject are taken and not settled. */
async function inHand(): Promise<number> {
  let sum = 0;
  for await (const { num_ack_pending } of jsm.consumers.list("T")) sum += num_ack_pending;
  return sum;
}

const numbers = (values: readonly Ran[]) => values.map(({ n }) => n).sort((a, b) => a - b);
const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);

it("--first lets so many stored messages through on all replicas together; then it is off, and the others wait uncharged", async () => {
  await store(40);
  const ran = await stage.client.collect<Ran>("ran.t.save");
  const first = await start("--hold");
  const second = await start("--hold");
  const enabled = await cli("enable", "save", "--first", "10");
  expect(enabled).toMatchObject({ code: 0, stderr: "" });
  await ran.until(10);
  await offAfter(10, first, second);
  expect((await cli("status")).stdout).toMatch(/disabled by operator \S+ .*: 10 messages were let through/);
  await expect.poll(waiting).toBe(30);
  expect(ran.values).toHaveLength(10);

  // A replica that starts now knows it too; five more are looked at.
  const third = await start();
  expect((await cli("enable", "save", "--first", "5")).code).toBe(0);
  await ran.until(15);
  await offAfter(5, first, second, third);
  await expect.poll(waiting).toBe(25);
  expect(ran.values).toHaveLength(15);

  expect((await cli("enable", "save")).stdout).toContain("25 messages waited in the stream");
  await ran.until(40);
  expect(numbers(ran.values)).toEqual(upTo(40));
  expect(ran.values.every(({ attempt }) => attempt === 1)).toBe(true);
  for (const app of [first, second]) expect(app.text()).not.toContain("delivery.failed");
});

it("--first counts on over a replica that is killed and one that starts, and never lets more through", async () => {
  const ran = await stage.client.collect<Ran>("ran.t.save");
  const killed = await start();
  expect((await cli("enable", "save", "--first", "6")).stdout).toMatch(
    /save begins slowly; .*only the first 6 messages of all replicas, 6 left, then it is off again/s,
  );
  await store(2);
  await ran.until(2);
  await expect.poll(left).toBe(4);
  expect((await cli("inspect", "save")).stdout).toContain("only the first 6 messages of all replicas, 4 left");
  killed.child.kill("SIGKILL");
  await killed.ended;
  const others = await Promise.all([start(), start()]);
  await store(10, 2);
  await ran.until(6);
  await offAfter(6, ...others);
  await expect.poll(waiting).toBe(6);
  expect(ran.values).toHaveLength(6);
  expect((await cli("enable", "save")).code).toBe(0);
  await ran.until(12);
  expect(numbers(ran.values)).toEqual(upTo(12));
});

it("--first of events and requests: those after are not answered by it any more", async () => {
  const apps = await Promise.all([start(), start()]);
  expect((await cli("enable", "ask", "note", "--first", "3")).code).toBe(0);
  for (const n of upTo(3)) expect((await stage.client.ask("ask", { n })).value).toBe(n);
  await offAfter(3, ...apps);
  await expect(stage.client.ask("ask", { n: 4 })).rejects.toThrow(/no responders/);
  const ran = await stage.client.collect<Ran>("ran.note");
  for (const n of upTo(5)) stage.client.publish("note", { n });
  await ran.until(3);
  const off = /"handler":"note".*"3 messages were let through"|"3 messages were let through".*"handler":"note"/;
  await Promise.all(apps.map((app) => app.printed(off)));
  expect(ran.values).toHaveLength(3);
});

it("--rate bounds how many begin in each replica, also after a restart, until it is enabled without", async () => {
  await store(40);
  const ran = await stage.client.collect<Ran>("ran.t.save");
  const first = await start("--hold");
  expect((await cli("enable", "save", "--rate", "1/h")).stdout).toMatch(
    /begins slowly, as \S+ has it: at most 1 message an hour in each replica/,
  );
  await ran.until(1);
  await expect.poll(inHand).toBe(0);
  await start();
  await ran.until(2);
  await expect.poll(inHand).toBe(0);
  expect((await cli("status")).stdout).toContain("at most 1 message an hour in each replica");
  first.child.kill("SIGTERM");
  await first.ended;
  await start();
  await ran.until(3);
  await expect.poll(inHand).toBe(0);
  expect(ran.values).toHaveLength(3);
  expect(new Set(ran.values.map(({ pid }) => pid)).size).toBe(3);

  const ended = await cli("enable", "save", "--rate", "off");
  expect(ended.stdout).toContain("save no longer begins slowly");
  await ran.until(40);
  expect(numbers(ran.values)).toEqual(upTo(40));
  expect(ran.values.every(({ attempt }) => attempt === 1)).toBe(true);
  expect((await cli("status")).stdout).not.toContain("begins slowly");
});

it("what cannot be kept is refused, with the reason", async () => {
  await start();
  const rate = await cli("enable", "ask", "--rate", "5/s");
  expect(rate).toMatchObject({ code: 2 });
  expect(rate.stderr).toContain('"ask" can keep no --rate: requesters would wait for their turn in vain');
  expect((await cli("enable", "save", "--rate", "fast")).stderr).toMatch(
    /--rate has to be so many in a second.*"fast"/s,
  );
  expect((await cli("enable", "save", "--first", "5000")).stderr).toContain("1000 messages through at most");
});
