// `singleton`: one replica runs the handler, and another one takes over when that is gone.

import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import { beforeEach, describe, expect, it } from "vitest";
import { durableNameOf } from "../../runtime/streams/durable-name.ts";
import { type CliProcess, runCli, startCli } from "../support/cli-process.ts";
import { createProject } from "../support/project.ts";
import { removeStreams } from "../support/remove-streams.ts";
import { useStage } from "../support/runtime.ts";

const stage = useStage();
const DURABLE = durableNameOf("shop", "take", "t.a");

let jsm: JetStreamManager;
beforeEach(async () => {
  jsm = await jetstreamManager(stage.client.connection);
  await removeStreams(jsm);
  await jsm.streams.add({ name: "T", subjects: ["t.>"] });
});

const SOURCE = `
  export const metadata = { subject: "t.a", kind: "durable", singleton: true, publishes: ["ran"], env: ["REPLICA"] };
  export default async (n, ctx) => void (await ctx.publish("ran", { n, by: process.env.REPLICA }));`;

interface Ran {
  readonly n: number;
  readonly by: string;
}

async function watched(): Promise<readonly Ran[]> {
  const ran: Ran[] = [];
  stage.client.connection.subscribe("ran", { callback: (_error, message) => void ran.push(message.json<Ran>()) });
  await stage.client.connection.flush();
  return ran;
}

async function store(from: number, count: number): Promise<void> {
  const numbers = Array.from({ length: count }, (_, at) => from + at);
  await Promise.all(numbers.map((n) => stage.client.connection.request("t.a", `${n}`)));
}

async function unsettled(): Promise<number> {
  const { num_pending, num_ack_pending } = await jsm.consumers.info("T", DURABLE);
  return num_pending + num_ack_pending;
}

const runners = (ran: readonly Ran[]) => [...new Set(ran.map(({ by }) => by))];

describe("a singleton", () => {
  it("is run by one of two replicas; by the other within seconds when that is killed, or at once when it stops; nothing is lost", async () => {
    const ran = await watched();
    const project = createProject({ "take.js": SOURCE });
    const start = (name: string) =>
      startCli(["start", "--provision"], { cwd: project.rootDir, env: { NATS_URL: stage.server.url, REPLICA: name } });
    const replicas: Record<string, CliProcess> = { a: start("a"), b: start("b") };
    try {
      for (const replica of Object.values(replicas)) await replica.printed(/"event":"runtime\.ready"/);
      await store(0, 200);
      await expect.poll(() => ran.length).toBe(200);
      const [first = ""] = runners(ran);
      expect(runners(ran)).toHaveLength(1);

      const killedAtMs = performance.now();
      replicas[first]!.child.kill("SIGKILL");
      await replicas[first]!.ended;
      await store(200, 200);
      await expect.poll(() => ran.length, { timeout: 60_000 }).toBeGreaterThan(200);
      console.log(`taken over ${Math.round(performance.now() - killedAtMs)} ms after a kill`);
      await expect.poll(unsettled, { timeout: 60_000 }).toBe(0);
      const numbers = new Set(ran.map(({ n }) => n));
      expect([numbers.size, Math.max(...numbers)]).toEqual([400, 399]);
      const [second = ""] = runners(ran.filter(({ n }) => n >= 200));
      expect(second).not.toBe(first);

      replicas[first] = start(first);
      await replicas[first].printed(/"event":"runtime\.ready"/);
      await store(400, 100);
      await expect.poll(unsettled).toBe(0);
      expect(runners(ran.filter(({ n }) => n >= 400))).toEqual([second]);

      const stoppedAtMs = performance.now();
      replicas[second]!.child.kill("SIGTERM");
      await replicas[second]!.ended;
      await store(500, 100);
      await expect.poll(() => ran.some(({ n }) => n >= 500), { timeout: 30_000 }).toBe(true);
      console.log(`taken over ${Math.round(performance.now() - stoppedAtMs)} ms after a stop`);
      await expect.poll(unsettled).toBe(0);
      expect(runners(ran.filter(({ n }) => n >= 500))).toEqual([first]);
    } finally {
      for (const { child } of Object.values(replicas)) child.kill("SIGTERM");
      for (const { ended } of Object.values(replicas)) await ended;
      project.end();
    }
  });

  it("goes on through a save, and one that is no singleton any more is run by all", async () => {
    const ran = await watched();
    const project = createProject({ "take.js": SOURCE });
    const apps = [
      await stage.start({ project, environment: { REPLICA: "a" } }),
      await stage.start({ project, environment: { REPLICA: "b" } }),
    ];
    await store(0, 50);
    await expect.poll(() => ran.length).toBe(50);
    expect(runners(ran)).toHaveLength(1);
    const save = (text: string) => {
      const served = apps.map((app) => app.next("handler.serving", ({ why }) => why === "reload"));
      project.write("take.js", text);
      return Promise.all(served);
    };
    await save(SOURCE.replace("{ n, by", "{ saved: true, n, by"));
    await store(50, 50);
    await expect.poll(() => ran.length).toBe(100);
    expect(runners(ran)).toHaveLength(1);
    const standby = apps.filter((app) => app.status("take").standby === true);
    expect(standby).toHaveLength(1);
    const { stdout } = await runCli(["inspect", "take"], {
      cwd: project.rootDir,
      env: { NATS_URL: stage.server.url, REPLICA: "c" },
    });
    expect(stdout.match(/stands by: another replica runs it/g)).toHaveLength(1);
    await save(SOURCE.replace("singleton: true", "singleton: false, concurrency: 1"));
    await store(100, 500);
    await expect.poll(() => ran.length, { timeout: 30_000 }).toBe(600);
    expect(runners(ran.filter(({ n }) => n >= 100))).toHaveLength(2);
    project.end();
  });
});
