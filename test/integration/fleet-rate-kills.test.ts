// A rate over all replicas and keys that take turns, under kill -9: nothing is lost, and never do more begin than the rate allows.

import { jetstreamManager } from "@nats-io/jetstream";
import { afterEach, expect, it } from "vitest";
import { connectClient } from "../support/client.ts";
import { countIn, storedIn } from "../support/later.ts";
import { startTestServer } from "../support/nats-server.ts";
import { startReplicas } from "../support/replicas.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const A_SECOND = 50;
const FLOOD = 400;
const QUIET = 40;
/** What it publishes is stored once for each message, however often that is run. */
const HANDLER = `
  export const metadata = {
    subject: "t.*",
    kind: "durable",
    rate: { limit: "${A_SECOND}/s", per: "fleet" },
    fairBy: { key: { wildcard: 0 }, concurrency: 4 },
  };
  export default ({ n }, ctx) => ctx.publish("out", { n });`;

it("of two replicas one is killed in the middle: each message is run, and no second has more than the rate", async () => {
  const server = await startTestServer();
  cleanups.push(() => server.stop());
  const client = await connectClient(server.url);
  cleanups.push(() => client.connection.close());
  const manager = await jetstreamManager(client.connection);
  await manager.streams.add({ name: "T", subjects: ["t.>"] });
  await manager.streams.add({ name: "OUT", subjects: ["out"] });
  const store = (key: string, n: number) => client.connection.request(`t.${key}`, JSON.stringify({ n }));
  for (let n = 0; n < FLOOD; n++) await store("flood", n);
  const replicas = await startReplicas({ url: server.url, files: { "save.js": HANDLER }, environments: [{}, {}] });
  cleanups.push(() => replicas.close());
  for (let n = 0; n < QUIET; n++) await store(`quiet${n % 4}`, FLOOD + n);
  await expect.poll(() => countIn(manager, "OUT"), { timeout: 30_000, interval: 50 }).toBeGreaterThan(100);
  process.kill(replicas.pids()[0]!, "SIGKILL");
  await replicas.processes[0]!.ended;
  // What it had in hand comes again when its ack wait is over.
  await expect.poll(() => countIn(manager, "OUT"), { timeout: 80_000, interval: 200 }).toBe(FLOOD + QUIET);
  const stored = await storedIn(manager, "OUT");
  expect(new Set(stored.map(({ n }) => n)).size).toBe(FLOOD + QUIET);
  const times = stored.map(({ atMs }) => atMs).sort((a, b) => a - b);
  const most = Math.max(...times.map((from) => times.filter((at) => at >= from && at < from + 1_000).length));
  console.log(`at most ${most} in a second, of ${A_SECOND}`);
  // On their way to the stream some are held up.
  expect(most).toBeLessThanOrEqual(A_SECOND * 1.2);
}, 150_000);
