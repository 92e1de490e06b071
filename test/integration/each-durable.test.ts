// `replicas: "each"` of durable handlers: every replica has a consumer of its own, which begins where it is to, goes on where it
// was when it is lost, and goes with the replica.

import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import { beforeEach, describe, expect, it } from "vitest";
import { DeadLetterBox } from "../../runtime/dead-letters/dead-letter-box.ts";
import { runCli, startCli } from "../support/cli-process.ts";
import { createProject } from "../support/project.ts";
import { removeStreams } from "../support/remove-streams.ts";
import { useStage } from "../support/runtime.ts";

const stage = useStage();

let jsm: JetStreamManager;
beforeEach(async () => {
  jsm = await jetstreamManager(stage.client.connection);
  await removeStreams(jsm);
  await jsm.streams.add({ name: "T", subjects: ["t.>"] });
});

const upTo = (count: number, from = 0) => Array.from({ length: count }, (_, at) => from + at);

const taking = (options = "", body = "") => `
  export const metadata = { subject: "t.*", kind: "durable", replicas: "each", env: ["REPLICA"]${options} };
  export default async (n, ctx) => {
    ${body}
    await ctx.request("ran", { n, key: ctx.wildcards[0], by: process.env.REPLICA });
  };`;

interface Ran {
  readonly n: number;
  readonly key: string;
  readonly by: string;
}

async function watched(): Promise<readonly Ran[]> {
  const ran: Ran[] = [];
  stage.client.connection.subscribe("ran", {
    callback: (_error, message) => {
      ran.push(message.json<Ran>());
      message.respond("{}");
    },
  });
  await stage.client.connection.flush();
  return ran;
}

async function store(key: string, numbers: readonly number[]): Promise<void> {
  for (const n of numbers) await stage.client.connection.request(`t.${key}`, `${n}`);
}

async function consumers(): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of jsm.consumers.list("T")) names.push(name);
  return names;
}

const by = (ran: readonly Ran[], replica: string) => ran.filter((one) => one.by === replica).map(({ n }) => n);

describe("a durable handler of which every replica has each message", () => {
  it("begins with what is new, retries by itself, and leaves no consumer behind, stopped or killed", async () => {
    const ran = await watched();
    await store("a", [1, 2, 3]);
    const once = 'if (n === 12 && ctx.attempt === 1) throw new Error("once more");';
    const project = createProject({ "take.js": taking(', retry: { backoff: "50ms" }', once) });
    const start = (name: string) =>
      startCli(["start"], { cwd: project.rootDir, env: { NATS_URL: stage.server.url, REPLICA: name } });
    const [a, b] = [start("a"), start("b")];
    try {
      for (const replica of [a, b]) await replica.printed(/"event":"runtime\.ready"/);
      await store("a", upTo(20, 10));
      await expect.poll(() => ran.length).toBe(40);
      for (const name of ["a", "b"]) expect(by(ran, name).sort((x, y) => x - y)).toEqual(upTo(20, 10));
      expect(await consumers()).toHaveLength(2);
    } finally {
      a.child.kill("SIGTERM");
      b.child.kill("SIGKILL");
      await Promise.all([a.ended, b.ended]);
      project.end();
    }
    await expect.poll(consumers, { timeout: 90_000, interval: 1_000 }).toEqual([]);
  });

  it('from: "last" begins with the last of each subject, and so does each version that is saved', async () => {
    const ran = await watched();
    for (const key of ["a", "b", "c"]) await store(key, upTo(5));
    const app = await stage.start({ handlers: { "take.js": taking(', from: "last"') }, environment: { REPLICA: "a" } });
    await expect.poll(() => ran.length).toBe(3);
    expect(ran.map(({ key, n }) => `${key}${n}`).sort()).toEqual(["a4", "b4", "c4"]);
    await store("b", [5]);
    await expect.poll(() => ran.length).toBe(4);
    await app.after(
      () => app.project.write("take.js", taking(', from: "last"', "n += 100;")),
      "handler.serving",
      ({ why }) => why === "reload",
    );
    await expect.poll(() => ran.length).toBe(7);
    expect(
      ran
        .slice(4)
        .map(({ key, n }) => `${key}${n}`)
        .sort(),
    ).toEqual(["a104", "b105", "c104"]);
    await store("a", [6]);
    await expect.poll(() => ran.length).toBe(8);
    expect(ran.at(-1)).toMatchObject({ key: "a", n: 106 });
  });

  it("fills itself from a bucket", async () => {
    const kv = await new Kvm(stage.client.connection).create("settings");
    await kv.put("color", '"blue"');
    await kv.put("color", '"red"');
    await kv.put("size", '"large"');
    const source = `
      export const metadata = { kv: "settings", subject: ">", kind: "durable", replicas: "each", from: "last" };
      export default async (value, ctx) => void (await ctx.request("ran", { n: 0, key: ctx.key, by: value ?? "gone" }));`;
    const ran = await watched();
    await stage.start({ handlers: { "take.js": source } });
    await expect.poll(() => ran.length).toBe(2);
    expect(ran.map(({ key, by }) => `${key} ${by}`).sort()).toEqual(["color red", "size large"]);
    await kv.delete("size");
    await expect.poll(() => ran.at(-1)).toMatchObject({ key: "size", by: "gone" });
  });

  it("misses nothing, and has nothing twice, when its consumer is removed in the middle, or the server is killed", async () => {
    const ran = await watched();
    const app = await stage.start({
      handlers: { "take.js": taking(", concurrency: 2") },
      environment: { REPLICA: "a" },
    });
    await store("a", upTo(50));
    const storing = store("a", upTo(200, 50));
    await expect.poll(() => ran.length).toBeGreaterThan(80);
    const [own = ""] = await consumers();
    await jsm.consumers.delete("T", own).catch(() => false); // 2.9 removes it, and complains now and then.
    await storing;
    await expect.poll(() => ran.length, { timeout: 30_000 }).toBeGreaterThanOrEqual(250);
    expect(app.told("runtime.notice").map(({ message }) => message)).toContainEqual(
      expect.stringMatching(/was removed .* and is made anew; goes on where it was for handler "take"/),
    );
    const reconnected = app.next("nats.reconnected");
    await stage.server.restart();
    await reconnected;
    const isBack = () =>
      stage.client.connection.flush().then(
        () => true,
        () => false,
      );
    await expect.poll(isBack).toBe(true);
    await store("a", upTo(50, 250));
    await expect.poll(() => new Set(ran.map(({ n }) => n)).size, { timeout: 60_000 }).toBe(300);
    // What ran when the consumer was lost, or the server, may run once more; no more than were in hand.
    expect(ran.length).toBeLessThanOrEqual(304);
  });

  it("is told of to people, and a message that fails in every replica is one letter", async () => {
    const project = createProject({ "take.js": taking(", retry: { attempts: 1 }", 'throw new Error("no");') });
    const apps = [
      await stage.start({ project, environment: { REPLICA: "a" } }),
      await stage.start({ project, environment: { REPLICA: "b" } }),
    ];
    await store("a", [1]);
    await expect.poll(() => apps.map((app) => app.status("take").failed)).toEqual([1, 1]);
    const box = new DeadLetterBox(stage.client.connection, "shop");
    await expect.poll(async () => (await box.list()).length).toBe(1);
    const cli = { cwd: project.rootDir, env: { NATS_URL: stage.server.url } };
    expect((await runCli(["prune", "--json"], cli)).stdout).toContain('"durables": []');
    expect(await runCli(["status"], cli)).toMatchObject({ code: 0 });
    project.end();
  });
});
