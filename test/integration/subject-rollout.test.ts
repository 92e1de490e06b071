// A durable handler is deployed with another subject while messages wait: by a save, and replica by replica. Each message
// is run once, by a version that was written for it, or is told of with its number.

import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import { beforeEach, describe, expect, it } from "vitest";
import { durableNameOf } from "../../runtime/streams/durable-name.ts";
import { type CliProcess, runCli, startCli } from "../support/cli-process.ts";
import { createProject } from "../support/project.ts";
import { removeStreams } from "../support/remove-streams.ts";
import { useStage } from "../support/runtime.ts";

type Handled = { readonly subject: string; readonly id: number; readonly version: string };

const stage = useStage();
const BACKLOG = 300;

let jsm: JetStreamManager;
beforeEach(async () => {
  jsm = await jetstreamManager(stage.client.connection);
  await removeStreams(jsm);
  await jsm.streams.add({ name: "T", subjects: ["t.>"] });
});

/** @param hold messages are in hand until it is over */
const counting = (subject: string, { hold = false } = {}) => `
  export const metadata = { subject: "${subject}", kind: "durable", concurrency: 8, timeout: "60s" };
  export default async ({ id }, ctx) => {
    await ctx.publish("handled", { subject: ctx.subject, id, version: "${subject}" });
    ${hold ? 'await ctx.request("test.go", {}, { timeout: "50s" });' : ""}
  };`;

async function store(subject: string, count: number): Promise<void> {
  const { connection } = stage.client;
  await Promise.all(Array.from({ length: count }, (_, id) => connection.request(subject, JSON.stringify({ id }))));
}

const waitingIn = async (subject: string) => {
  const { num_pending, num_ack_pending } = await jsm.consumers.info("T", durableNameOf("shop", "count", subject));
  return num_pending + num_ack_pending;
};

/** How often each message was run, and by whom. */
function runsOf(values: readonly Handled[]): Record<string, number> {
  const runs: Record<string, number> = {};
  for (const { subject, id, version } of values) {
    const run = `${version} ran ${subject} ${id}`;
    runs[run] = (runs[run] ?? 0) + 1;
  }
  return runs;
}

const upTo = (count: number) => Array.from({ length: count }, (_, id) => id);

describe("a save with another subject", () => {
  it("leaves what waits of the old one told of, shown with its number, and handled once the subject is set back", async () => {
    const handled = await stage.client.collect<Handled>("handled");
    const gate = await stage.client.collect<unknown>("test.go");
    await store("t.a", BACKLOG);
    await store("t.b", BACKLOG);
    const app = await stage.start({ handlers: { "count.js": counting("t.a", { hold: true }) } });
    await handled.until(8);
    const told = app.next("runtime.notice", ({ message }) => message.includes("left in durable"));
    await app.after(() => app.project.write("count.js", counting("t.b")), "handler.bound", { subject: "t.b" });
    await handled.until(8 + BACKLOG);
    expect((await told).message).toMatch(
      /^292 messages of "t\.a" left in durable "shop-count-\w+" of stream "T": handler "count" takes "t\.b" now/,
    );
    await gate.until(8);
    await expect.poll(() => waitingIn("t.b"), { timeout: 30_000 }).toBe(0);

    const cli = (...args: string[]) => runCli(args, { cwd: app.project.rootDir, env: { NATS_URL: stage.server.url } });
    const seen = await cli("status");
    expect(seen.stdout).toMatch(/! 300 messages of "t\.a" left in durable "shop-count-\w+" of stream "T": no version/);
    const pruned = await cli("prune");
    expect(pruned.code).toBe(1);
    expect(pruned.stdout).toMatch(/\ncount +300 +t\.a +T +shop-count-\w+\n/);
    const json = JSON.parse((await cli("status", "--json")).stdout);
    expect(json.left).toEqual([
      { stream: "T", durable: durableNameOf("shop", "count", "t.a"), handler: "count", filter: "t.a", waiting: 300 },
    ]);
    expect(json.handlers).toMatchObject([{ name: "count", subject: "t.b", pending: 0 }]);
  });
});

describe("two replicas, of which one has another subject already", () => {
  it("handle each their own, and nothing is lost, run twice, or run by the wrong version", async () => {
    const handled = await stage.client.collect<Handled>("handled");
    const projects = ["t.a", "t.b"].map((subject) => createProject({ "count.js": counting(subject) }));
    const start = async (at: number): Promise<CliProcess> => {
      const replica = startCli(["start"], { cwd: projects[at]!.rootDir, env: { NATS_URL: stage.server.url } });
      await replica.printed(/"event":"runtime\.ready","serving":1,"failed":0/);
      return replica;
    };
    const stop = async (replica: CliProcess) => {
      replica.child.kill("SIGTERM");
      expect((await replica.ended).code, replica.text()).toBe(0);
    };
    await store("t.a", BACKLOG);
    await store("t.b", BACKLOG);
    const old = [await start(0), await start(0)];
    await stop(old[0]!);
    const fresh = [await start(1)];
    await store("t.a", BACKLOG);
    await store("t.b", BACKLOG);
    await handled.until(4 * BACKLOG);
    await expect.poll(() => waitingIn("t.a")).toBe(0);
    await stop(old[1]!);
    fresh.push(await start(1));
    await store("t.a", 5);
    await store("t.b", 5);
    await handled.until(4 * BACKLOG + 5);
    await expect.poll(() => waitingIn("t.b")).toBe(0);
    const ids = [...upTo(BACKLOG), ...upTo(BACKLOG)];
    const expected: Record<string, number> = {};
    for (const [subject, more] of [
      ["t.a", 0],
      ["t.b", 5],
    ] as const)
      for (const id of [...ids, ...upTo(more)]) {
        const run = `${subject} ran ${subject} ${id}`;
        expected[run] = (expected[run] ?? 0) + 1;
      }
    expect(runsOf(handled.values)).toEqual(expected);
    await expect.poll(() => waitingIn("t.a")).toBe(5);

    const late = await start(1);
    expect(await late.printed(/5 messages of \\"t\.a\\" left in durable/)).toBeDefined();
    for (const replica of [...fresh, late]) await stop(replica);
    for (const project of projects) project.end();
  });
});
