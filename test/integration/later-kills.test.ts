// What waits to leave outlives whoever dies meanwhile, and leaves once.

import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import { afterEach, expect, it } from "vitest";
import { connectClient, type TestClient } from "../support/client.ts";
import { countIn, hear, PLAN, plan, storedIn } from "../support/later.ts";
import { startTestServer } from "../support/nats-server.ts";
import { startReplicas } from "../support/replicas.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** The stream in which the app's messages wait: there is one as soon as something has waited. */
async function laterStreamOf(manager: JetStreamManager, client: TestClient): Promise<string> {
  const probe = await hear(client.connection, "probe");
  await plan(client, { target: "probe", delay: "10ms" });
  await probe.until(1);
  for await (const name of manager.streams.names()) if (name.startsWith("LATER_")) return name;
  throw new Error("there is no stream for what leaves later");
}

it("kill -9 of a replica, of the server and of all replicas: everything leaves, not before it is due, and once", async () => {
  const server = await startTestServer();
  cleanups.push(() => server.stop());
  const replicas = await startReplicas({ url: server.url, files: { "plan.js": PLAN }, environments: [{}, {}] });
  cleanups.push(() => replicas.close());
  const connected = async () => {
    const client = await connectClient(server.url);
    cleanups.push(() => client.connection.close());
    return { client, manager: await jetstreamManager(client.connection) };
  };
  const before = await connected();
  await before.manager.streams.add({ name: "OUT", subjects: ["out"] });
  const later = await laterStreamOf(before.manager, before.client);
  const dueMs = Date.now() + 15_000;
  await plan(before.client, { target: "out", count: 1_000, at: dueMs });
  process.kill(replicas.pids()[0]!, "SIGKILL");
  await replicas.processes[0]!.ended;
  await server.kill();
  await server.restart();
  process.kill(replicas.pids()[1]!, "SIGKILL");
  await replicas.processes[1]!.ended;
  const { manager } = await connected();
  expect((await countIn(manager, later)) + (await countIn(manager, "OUT"))).toBe(1_000);
  await replicas.restart();
  await expect.poll(() => countIn(manager, "OUT"), { timeout: 50_000, interval: 100 }).toBe(1_000);
  await expect.poll(() => countIn(manager, later), { timeout: 40_000 }).toBe(0);
  const stored = await storedIn(manager, "OUT");
  expect(new Set(stored.map(({ n }) => n)).size).toBe(1_000);
  expect(Math.min(...stored.map(({ atMs }) => atMs - dueMs))).toBeGreaterThanOrEqual(0);
}, 150_000);

it("two replicas that share what is due at one instant have each message leave once", async () => {
  const server = await startTestServer();
  cleanups.push(() => server.stop());
  const replicas = await startReplicas({ url: server.url, files: { "plan.js": PLAN }, environments: [{}, {}] });
  cleanups.push(() => replicas.close());
  const client = await connectClient(server.url);
  cleanups.push(() => client.connection.close());
  const core = await hear(client.connection, "core");
  const dueMs = Date.now() + 5_000;
  await plan(client, { target: "core", count: 1_000, at: dueMs });
  await core.until(1_000);
  expect(new Set(core.heard.map(({ n }) => n)).size).toBe(1_000);
  // What would be published again would have been by then.
  const end = await hear(client.connection, "end");
  await plan(client, { target: "end", delay: "1s" });
  await end.until(1);
  expect(core.heard).toHaveLength(1_000);
  const late = core.heard.map(({ atMs }) => atMs - dueMs);
  console.log(`1,000 of two replicas came ${Math.min(...late)} to ${Math.max(...late)} ms after they were due`);
  expect(Math.min(...late)).toBeGreaterThanOrEqual(0);
});
