// NATS stands still for ten seconds, then is killed and comes back, under a steady load of durable messages and requests.
// The runtime is `handlers start`, as in production, and nobody touches it.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { afterEach, beforeEach, expect, it } from "vitest";
import { delay, systemClock } from "../../runtime/clock.ts";
import { durableNameOf } from "../../runtime/streams/durable-name.ts";
import { type CliProcess, startCli } from "../support/cli-process.ts";
import { freePort } from "../support/free-port.ts";
import { startTestServer, type TestServer } from "../support/nats-server.ts";
import { childProcesses, freeze, noneLeft } from "../support/processes.ts";
import { createProject, type TestProject } from "../support/project.ts";

const DURABLE = durableNameOf("shop", "count", "orders.placed");

const STALL_MS = 10_000;
const ORDERS_EVERY_MS = 5;
const REQUESTS_EVERY_MS = 25;
/** What an orchestrator grants by docs/deploy.md, less what the handlers may take of it (`HANDLERS_DRAIN`). */
const BEYOND_DRAIN_MS = 5_000;
const DRAIN_MS = 10_000;
/** For a stall and a death together. What is said beyond that is noise. */
const MOST_LINES = 12;

/** What has been handled stands in a file, which no loss of NATS can touch. */
const HANDLERS = {
  "count.js": `import { appendFileSync } from "node:fs";
export const metadata = { subject: "orders.placed", kind: "durable", concurrency: 8 };
export default ({ id }) => appendFileSync("handled.txt", id + "\\n");
`,
  "price.js": `export const metadata = { subject: "shop.price", kind: "request" };
export default ({ id }) => (id === "never" ? new Promise(() => {}) : { id, price: 7 });
`,
};

let before: ReadonlySet<number>;
let server: TestServer;
let client: NatsConnection;
let project: TestProject;
let replica: CliProcess;
let port: number;

beforeEach(async () => {
  before = childProcesses();
  server = await startTestServer();
  client = await connect({ servers: server.url, maxReconnectAttempts: -1, reconnectTimeWait: 50 });
  const jsm = await jetstreamManager(client);
  await jsm.streams.add({ name: "ORDERS", subjects: ["orders.*"] });
  project = createProject(HANDLERS);
  writeFileSync(handledFile(), "");
  port = await freePort();
  const env = { NATS_URL: server.url, HANDLERS_HTTP_PORT: String(port), HANDLERS_DRAIN: `${DRAIN_MS}ms` };
  replica = startCli(["start"], { cwd: project.rootDir, env });
  await replica.printed(/"event":"runtime\.ready","serving":2,"failed":0/);
});
afterEach(async () => {
  replica.child.kill("SIGTERM");
  await replica.ended;
  await client.close();
  await server.stop();
  project.end();
  await noneLeft(before);
});

const handledFile = () => join(project.rootDir, "handled.txt");

async function isReady(): Promise<boolean> {
  return (await fetch(`http://127.0.0.1:${port}/readyz`)).ok;
}

/** Resolves with how long it took. */
async function readiness(wanted: boolean): Promise<number> {
  const sinceMs = systemClock.monotonicMs();
  while ((await isReady()) !== wanted) await delay(systemClock, 20);
  return Math.round(systemClock.monotonicMs() - sinceMs);
}

/** Orders 1, 2, 3, ..., each offered to the stream until it confirms, or the story is over. `stop` resolves with how many. */
function placeOrders(): { stop(): Promise<number> } {
  const js = jetstream(client, { timeout: 1_000 });
  const placed: Promise<void>[] = [];
  const place = async (id: number) => {
    const order = JSON.stringify({ id });
    const offer = () =>
      js.publish("orders.placed", order, { msgID: String(id) }).then(
        () => true,
        () => client.isClosed(),
      );
    while (!(await offer()));
  };
  const timer = systemClock.every(ORDERS_EVERY_MS, () => void placed.push(place(placed.length + 1)));
  return {
    async stop() {
      timer.cancel();
      await Promise.all(placed);
      return placed.length;
    },
  };
}

/** Requests whose answers are counted. */
function askPrices() {
  const count = { asked: 0, answered: 0, failed: 0 };
  const timer = systemClock.every(REQUESTS_EVERY_MS, () => {
    client.request("shop.price", JSON.stringify({ id: count.asked++ }), { timeout: 1_000 }).then(
      () => count.answered++,
      () => count.failed++,
    );
  });
  return { count, stop: () => timer.cancel() };
}

async function answered(): Promise<void> {
  const ask = () =>
    client.request("shop.price", "{}", { timeout: 500 }).then(
      () => true,
      () => false,
    );
  while (!(await ask())) await delay(systemClock, 20);
}

function handled(): number[] {
  return readFileSync(handledFile(), "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map(Number);
}

async function allHandled(count: number): Promise<number[]> {
  // What was on its way to the runtime when NATS went comes again after the ack wait; we do not wait that long.
  const jsm = await jetstreamManager(client);
  await jsm.consumers.update("ORDERS", DURABLE, { ack_wait: 2_000_000_000 });
  for (;;) {
    const ids = handled();
    const { num_pending, num_ack_pending } = await jsm.consumers.info("ORDERS", DURABLE);
    if (num_pending + num_ack_pending === 0 || new Set(ids).size === count) return ids;
    await delay(systemClock, 50);
  }
}

/** Everything the runtime has said since. */
function told(from: number): string[] {
  return replica.text().slice(from).trimEnd().split("\n");
}

it("NATS that stands still and NATS that dies are got over, losing no message, and told in a few lines", async () => {
  const from = replica.text().length;
  const orders = placeOrders();
  const prices = askPrices();
  await answered();

  await freeze(server.pid);
  const stalled = delay(systemClock, STALL_MS);
  const noticedMs = await readiness(false);
  await stalled;
  process.kill(server.pid, "SIGCONT");
  const backMs = await readiness(true);
  await answered();

  await server.kill();
  const lostMs = await readiness(false);
  await server.restart();
  const againMs = await readiness(true);
  await answered();

  prices.stop();
  const sent = await orders.stop();
  const ids = await allHandled(sent);
  const distinct = new Set(ids);
  const missing = Array.from({ length: sent }, (_, at) => at + 1).filter((id) => !distinct.has(id));
  const lines = told(from);
  console.log(
    `stall: not ready after ${noticedMs} ms, ready ${backMs} ms after its end; death: not ready after ${lostMs} ms, ` +
      `ready ${againMs} ms after the restart; ${sent} orders, ${missing.length} lost, ${ids.length - distinct.size} handled twice, ` +
      `${lines.length} lines told; requests: ${JSON.stringify(prices.count)}`,
  );
  expect(missing).toEqual([]);
  expect(noticedMs).toBeLessThan(STALL_MS);
  expect(lines.length).toBeLessThanOrEqual(MOST_LINES);
  const events = lines.map((line) => (JSON.parse(line) as { event: string }).event);
  expect(events.filter((event) => event !== "runtime.notice")).toEqual([
    "nats.disconnected",
    "nats.reconnected",
    "nats.disconnected",
    "nats.reconnected",
  ]);
}, 150_000);

it("a runtime that NATS has cut off as too slow goes on by itself, and loses no durable message", async () => {
  await server.restart("max_pending: 1048576");
  await readiness(true);
  await answered();
  const from = replica.text().length;
  const orders = placeOrders();

  await freeze(replica.pid);
  const large = JSON.stringify({ id: 0, pad: "x".repeat(250_000) });
  while (!readFileSync(server.logFile, "utf8").includes("Slow Consumer")) {
    client.publish("shop.price", large);
    await client.flush();
  }
  process.kill(replica.pid, "SIGCONT");
  while (!told(from).some((line) => line.includes('"nats.reconnected"'))) await delay(systemClock, 20);
  await answered();

  const sent = await orders.stop();
  expect(new Set(await allHandled(sent)).size).toBe(sent);
}, 120_000);

it("a runtime that is told to stop while NATS stands still ends in time, with a message in hand that does not end", async () => {
  const orders = placeOrders();
  await answered();
  client.publish("shop.price", JSON.stringify({ id: "never" }));
  await answered();
  await freeze(server.pid);
  const sinceMs = systemClock.monotonicMs();
  replica.child.kill("SIGTERM");
  const { code, signal } = await replica.ended;
  const tookMs = Math.round(systemClock.monotonicMs() - sinceMs);
  console.log(`told to stop while NATS stood still: ended after ${tookMs} ms with ${code ?? signal}`);
  expect(code).not.toBeNull();
  expect(tookMs).toBeLessThan(DRAIN_MS + BEYOND_DRAIN_MS);
  process.kill(server.pid, "SIGCONT");
  await orders.stop();
}, 120_000);
