// `debounce` and `throttle`: of the messages of a key the last one, or the first one, over all replicas and whatever dies.

import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import { beforeEach, describe, expect, it } from "vitest";
import { DeadLetterBox } from "../../runtime/dead-letters/dead-letter-box.ts";
import { durableNameOf } from "../../runtime/streams/durable-name.ts";
import { runCli, startCli } from "../support/cli-process.ts";
import { createProject } from "../support/project.ts";
import { removeStreams } from "../support/remove-streams.ts";
import { useStage } from "../support/runtime.ts";

const stage = useStage();
const DURABLE = durableNameOf("shop", "take", "t.*");

let jsm: JetStreamManager;
beforeEach(async () => {
  jsm = await jetstreamManager(stage.client.connection);
  await removeStreams(jsm);
  await jsm.streams.add({ name: "T", subjects: ["t.>"] });
});

const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);

async function store(key: string, ...numbers: readonly number[]): Promise<void> {
  await Promise.all(numbers.map((n) => stage.client.connection.request(`t.${key}`, JSON.stringify({ n }))));
}

async function unsettled(): Promise<number> {
  const { num_pending, num_ack_pending } = await jsm.consumers.info("T", DURABLE);
  return num_pending + num_ack_pending;
}

const taking = (options: string, body = "") => `
  export const metadata = { subject: "t.*", kind: "durable", publishes: ["ran"], ${options} };
  export default async ({ n }, ctx) => {
    await ctx.publish("ran", { n, key: ctx.wildcards[0], attempt: ctx.attempt, atMs: Date.now() });
    ${body}
  };`;

interface Ran {
  readonly n: number;
  readonly key: string;
  readonly attempt: number;
  readonly atMs: number;
}

async function watched(): Promise<readonly Ran[]> {
  const ran: Ran[] = [];
  stage.client.connection.subscribe("ran", { callback: (_error, message) => void ran.push(message.json<Ran>()) });
  await stage.client.connection.flush();
  return ran;
}

const what = (ran: readonly Ran[]) => ran.map(({ key, n }) => `${key}${n}`).sort();

describe("debounce", () => {
  const BY_KEY = 'debounce: { wait: "500ms", key: { wildcard: 0 } }';

  it("runs the last of each key, once none has come for a while, with the first attempt; the others are filtered", async () => {
    const ran = await watched();
    const app = await stage.start({ handlers: { "take.js": taking(`${BY_KEY}, retry: { attempts: 1 }`) } });
    const begunMs = Date.now();
    await Promise.all([store("a", ...upTo(20)), store("b", ...upTo(5))]);
    await expect.poll(() => ran.length).toBe(2);
    await expect.poll(unsettled).toBe(0);
    expect(what(ran)).toEqual(["a19", "b4"]);
    expect(ran.map(({ attempt }) => attempt)).toEqual([1, 1]);
    expect(ran.find(({ key }) => key === "a")!.atMs - begunMs).toBeGreaterThan(400);
    expect(app.status("take")).toMatchObject({ handled: 2, failed: 0, filtered: 23 });
    // And the next burst, as if there had been none.
    await store("a", 30, 31);
    await expect.poll(() => what(ran)).toEqual(["a19", "a31", "b4"]);
    await expect.poll(unsettled).toBe(0);
  });

  it("what waits holds no slot and no place in the consumer: of a key it is one message", async () => {
    const ran = await watched();
    const options = `debounce: { wait: "2s", key: { wildcard: 0 } }, concurrency: 1`;
    const app = await stage.start({ handlers: { "take.js": taking(options) } });
    await store("a", ...upTo(50));
    await store("b", 0);
    await expect.poll(() => app.status("take").filtered).toBe(49);
    await expect.poll(unsettled).toBe(2);
    expect(app.status("take")).toMatchObject({ inFlight: 0, queued: 0 });
    expect(ran).toEqual([]);
    await expect.poll(() => what(ran), { timeout: 10_000 }).toHaveLength(2);
    await expect.poll(unsettled).toBe(0);
  });

  it("runs at the latest after `max`, while others come all the time", async () => {
    const ran = await watched();
    await stage.start({ handlers: { "take.js": taking('debounce: { wait: "1s", max: "1500ms" }') } });
    const begunMs = Date.now();
    for (let n = 0; ran.length < 2; n++) {
      await store("a", n);
      await new Promise<void>((resolve) => setTimeout(resolve, 50));
    }
    const [first, second] = ran;
    expect(first!.atMs - begunMs).toBeGreaterThan(1_400);
    expect(second!.atMs - first!.atMs).toBeGreaterThan(1_000);
    expect(second!.n).toBeGreaterThan(first!.n);
  });

  it("retries the last one as ever, unless a newer one takes its place; used up it is a letter", async () => {
    const ran = await watched();
    const fails = 'if (n < 10) throw new Error("no");';
    const options = `debounce: { wait: "300ms", key: { wildcard: 0 } }, retry: { attempts: 3, backoff: "200ms" }`;
    await stage.start({ handlers: { "take.js": taking(options, fails) } });
    await store("a", 0, 1);
    const box = new DeadLetterBox(stage.client.connection, "shop");
    await expect.poll(async () => (await box.list()).length, { timeout: 10_000 }).toBe(1);
    expect(await box.list()).toMatchObject([{ attempts: 3, reason: "threw", sequence: 2 }]);
    expect(ran.map(({ n, attempt }) => [n, attempt])).toEqual([
      [1, 1],
      [1, 2],
      [1, 3],
    ]);
    await store("b", 2);
    await expect.poll(() => ran.length).toBe(4);
    await store("b", 10);
    await expect.poll(() => ran.at(-1)?.n, { timeout: 10_000 }).toBe(10);
    await expect.poll(unsettled, { timeout: 10_000 }).toBe(0);
    expect(await box.list()).toHaveLength(1);
  });

  it("holds over two replicas of which one is killed, and one message of each key is left", async () => {
    const ran = await watched();
    const options = 'debounce: { wait: "1500ms", key: { wildcard: 0 } }, retry: { attempts: 1 }';
    const project = createProject({ "take.js": taking(options) });
    const start = () =>
      startCli(["start", "--provision"], { cwd: project.rootDir, env: { NATS_URL: stage.server.url } });
    const replicas = [start(), start()];
    try {
      for (const replica of replicas) await replica.printed(/"event":"runtime\.ready"/);
      const keys = upTo(10).map((at) => `k${at}-`);
      const flood = async () => {
        for (const n of upTo(40)) await Promise.all(keys.map((key) => store(key, n)));
      };
      const flooding = flood();
      await expect
        .poll(async () => (await jsm.consumers.info("T", DURABLE)).delivered.consumer_seq)
        .toBeGreaterThan(50);
      replicas[0]!.child.kill("SIGKILL");
      await flooding;
      // What the one that was killed had in hand comes after ack_wait, and may be late for its key; never is a key without its last.
      await expect.poll(unsettled, { timeout: 60_000 }).toBe(0);
      expect(what(ran).filter((one) => one.endsWith("-39"))).toHaveLength(10);
      expect(ran.length).toBeLessThan(20);
    } finally {
      for (const { child } of replicas) child.kill("SIGTERM");
      for (const { ended } of replicas) await ended;
      project.end();
    }
  });
});

describe("throttle", () => {
  it("runs the first of each key, and the next one when its time is over; a retry is not held up", async () => {
    const ran = await watched();
    const fails = 'if (ctx.attempt === 1 && n === 0) throw new Error("once more");';
    const options = `throttle: { every: "2s", key: { wildcard: 0 } }, retry: { attempts: 2, backoff: "200ms" }`;
    const app = await stage.start({ handlers: { "take.js": taking(options, fails) } });
    await store("a", 0);
    await expect.poll(() => ran.length).toBe(1);
    for (const n of [1, 2, 3]) await store("a", n);
    await store("b", 1);
    await expect.poll(() => app.status("take").filtered).toBe(3);
    await expect.poll(() => ran.length).toBe(3);
    expect(ran.map(({ key, n, attempt }) => `${key}${n}.${attempt}`).sort()).toEqual(["a0.1", "a0.2", "b1.1"]);
    const firstAtMs = ran[0]!.atMs;
    for (let n = 10; ran.length < 4; n++) {
      await store("a", n);
      await new Promise<void>((resolve) => setTimeout(resolve, 50));
    }
    // Between the decisions; a run begins a moment after its own.
    expect(ran[3]!.atMs - firstAtMs).toBeGreaterThan(1_000);
    await expect.poll(unsettled).toBe(0);
  });

  it("is kept by two replicas together, and by one that starts later", async () => {
    const ran = await watched();
    const project = createProject({ "take.js": taking('throttle: { every: "1h", key: { wildcard: 0 } }') });
    const apps = [await stage.start({ project }), await stage.start({ project })];
    const keys = upTo(20).map((at) => `k${at}-`);
    await Promise.all(keys.map((key) => store(key, ...upTo(20))));
    await expect.poll(unsettled).toBe(0);
    await expect.poll(() => ran.length).toBe(20);
    const filtered = () => apps.reduce((sum, app) => sum + app.status("take").filtered, 0);
    expect(filtered()).toBe(380);
    expect(new Set(ran.map(({ key }) => key)).size).toBe(20);
    for (const app of apps) await app.close();
    const later = await stage.start({ project });
    await store("k0-", 99);
    await expect.poll(() => later.status("take").filtered).toBe(1);
    expect(ran).toHaveLength(20);
    project.end();
  });
});

describe("for people", () => {
  it("`inspect` says how messages are spaced, and `check` what that does not go with", async () => {
    const project = createProject({
      "take.js": taking('debounce: { wait: "5s", max: "1m", key: { header: "tenant" } }'),
    });
    const cli = { cwd: project.rootDir, env: { NATS_URL: stage.server.url } };
    await stage.start({ project });
    const inspected = await runCli(["inspect", "take"], cli);
    expect(inspected.stdout).toMatch(
      /spacing +the last of each header tenant runs, 5s after it, 1m after the first at the latest/,
    );
    project.write("take.js", taking('throttle: { every: "5s" }, when: () => true'));
    const checked = await runCli(["check"], cli);
    expect(checked.stdout + checked.stderr).toMatch(/metadata\.throttle cannot be kept beside when/);
    project.end();
  });
});
