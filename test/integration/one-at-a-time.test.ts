// `concurrency: "one"`: one message at a time over all replicas, in the order of the stream, retries included.

import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import { beforeEach, describe, expect, it } from "vitest";
import { durableNameOf } from "../../runtime/streams/durable-name.ts";
import { runCli, startCli } from "../support/cli-process.ts";
import { createProject } from "../support/project.ts";
import { removeStreams } from "../support/remove-streams.ts";
import { useStage } from "../support/runtime.ts";

const stage = useStage();
const DURABLE = durableNameOf("shop", "count", "t.a");
const EVERY_TENTH = 10;

let jsm: JetStreamManager;
beforeEach(async () => {
  jsm = await jetstreamManager(stage.client.connection);
  await removeStreams(jsm);
  await jsm.streams.add({ name: "T", subjects: ["t.>"] });
});

const counting = (concurrency: string) => `
  export const metadata = { subject: "t.a", kind: "durable", concurrency: ${concurrency}, retry: { attempts: 3, backoff: "50ms" } };
  export default async ({ n }, ctx) => {
    await ctx.request("begin", { n, attempt: ctx.attempt });
    if (n % ${EVERY_TENTH} === 0 && ctx.attempt === 1) {
      await ctx.request("end", { n });
      throw new Error("not at first");
    }
    await ctx.request("end", { n });
  };`;

async function store(count: number, from = 0): Promise<void> {
  for (let n = from; n < from + count; n++) await stage.client.connection.request("t.a", JSON.stringify({ n }));
}

interface Runs {
  /** `3` for a first run, `3.2` for a second. */
  readonly begun: string[];
  /** Most that ran at one time. */
  most: number;
  running: number;
}

/** Answers what the handlers say when they begin and end. */
function watched(): Runs {
  const runs: Runs = { begun: [], most: 0, running: 0 };
  const { connection } = stage.client;
  connection.subscribe("begin", {
    callback: (_error, message) => {
      const { n, attempt } = message.json<{ n: number; attempt: number }>();
      runs.begun.push(attempt === 1 ? `${n}` : `${n}.${attempt}`);
      runs.most = Math.max(runs.most, ++runs.running);
      message.respond("{}");
    },
  });
  connection.subscribe("end", {
    callback: (_error, message) => {
      runs.running--;
      message.respond("{}");
    },
  });
  return runs;
}

const inOrder = (count: number) =>
  Array.from({ length: count }, (_, n) => (n % EVERY_TENTH === 0 ? [`${n}`, `${n}.2`] : [`${n}`])).flat();

async function waiting(): Promise<number> {
  const { num_pending, num_ack_pending } = await jsm.consumers.info("T", DURABLE);
  return num_pending + num_ack_pending;
}

describe("one message at a time over all replicas", () => {
  it("runs them in the order of the stream, with three replicas and messages that fail at first", async () => {
    const runs = watched();
    await store(20);
    const handlers = { "count.js": counting('"one"') };
    const replicas = [
      await stage.start({ handlers }),
      await stage.start({ handlers }),
      await stage.start({ handlers }),
    ];
    await store(80, 20);
    await expect.poll(() => runs.begun.length).toBe(110);
    expect({ begun: runs.begun, most: runs.most }).toEqual({ begun: inOrder(100), most: 1 });
    await expect.poll(waiting).toBe(0);
    // Each of them has been waiting for its turn, and that is no standstill.
    expect(replicas.flatMap(({ told }) => told("handler.held"))).toEqual([]);
  });

  it("goes on in order where a replica was killed", async () => {
    const runs = watched();
    const projects = [
      createProject({ "count.js": counting('"one"') }),
      createProject({ "count.js": counting('"one"') }),
    ];
    const [first, second] = projects.map(({ rootDir }) =>
      startCli(["start"], { cwd: rootDir, env: { NATS_URL: stage.server.url } }),
    );
    try {
      await first!.printed(/"event":"runtime\.ready"/);
      await second!.printed(/"event":"runtime\.ready"/);
      const stored = store(60);
      await expect.poll(() => runs.begun.length).toBeGreaterThan(15);
      first!.child.kill("SIGKILL");
      await stored;
      await expect.poll(waiting, { timeout: 90_000 }).toBe(0);
      const firstRuns = [...new Set(runs.begun.map((run) => Number.parseInt(run, 10)))];
      expect(firstRuns).toEqual(Array.from({ length: 60 }, (_, n) => n));
    } finally {
      for (const replica of [first!, second!]) replica.child.kill("SIGTERM");
      for (const replica of [first!, second!]) await replica.ended;
      for (const project of projects) project.end();
    }
  });

  it("begins and ends with a save; a bound that an administrator has set stays", async () => {
    const bound = async () => (await jsm.consumers.info("T", DURABLE)).config.max_ack_pending;
    const save = (concurrency: string) =>
      app.after(
        () => app.project.write("count.js", counting(concurrency)),
        "handler.serving",
        ({ why }) => why === "reload",
      );
    const app = await stage.start({ handlers: { "count.js": counting("4") } });
    expect(await bound()).toBe(65_536);
    await save('"one"');
    expect(await bound()).toBe(1);
    const { stdout } = await runCli(["list"], { cwd: app.project.rootDir, env: { NATS_URL: stage.server.url } });
    expect(stdout).toMatch(/count +durable +t\.a +one /);
    await save("5");
    expect(await bound()).toBe(65_536);
    const { config } = await jsm.consumers.info("T", DURABLE);
    await jsm.consumers.update("T", DURABLE, { ...config, max_ack_pending: 1 });
    await save("6");
    expect(await bound()).toBe(1);
  });
});
