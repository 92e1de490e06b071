// The nats-server dies while a runtime starts, at one moment or another, and comes back: the start goes on where it was.

import { jetstreamManager } from "@nats-io/jetstream";
import { afterEach, beforeEach, expect, it } from "vitest";
import { systemClock } from "../../runtime/clock.ts";
import type { Runtime } from "../../runtime/compose/runtime-options.ts";
import { startRuntime } from "../../runtime/compose/start.ts";
import { loadConfig } from "../../runtime/config/load.ts";
import { openIntentStore } from "../../runtime/control/intent-store.ts";
import type { RuntimeEvent } from "../../runtime/events.ts";
import { connectClient, type TestClient } from "../support/client.ts";
import { startTestServer, type TestServer } from "../support/nats-server.ts";
import { childProcesses, noneLeft } from "../support/processes.ts";
import { createProject, type TestProject } from "../support/project.ts";

const FILES = {
  "asked.js": 'export const metadata = { subject: "ask", kind: "request" }; export default () => "answer";',
  "order.js": 'export const metadata = { subject: "shop.order", kind: "durable" }; export default () => {};',
  "off.js": 'export const metadata = { subject: "shop.off", kind: "durable" }; export default () => {};',
};

let before: ReadonlySet<number>;
let server: TestServer;
let client: TestClient;
let project: TestProject;
let runtime: Runtime | undefined;
let back: Promise<void> | undefined;

beforeEach(async () => {
  before = childProcesses();
  server = await startTestServer();
  client = await connectClient(server.url);
  const jsm = await jetstreamManager(client.connection);
  await jsm.streams.add({ name: "SHOP", subjects: ["shop.>"] });
  const store = await openIntentStore(client.connection, "shop", systemClock);
  await store.put("off", { disabled: true, by: "ana", reason: "", sinceMs: 1, now: false });
  project = createProject(FILES);
});
afterEach(async () => {
  await runtime?.close();
  runtime = undefined;
  back = undefined;
  await client.connection.close();
  await server.stop();
  project.end();
  await noneLeft(before);
});

/** Kill the server, once, and have it come back. */
function dieOnce(): void {
  if (back !== undefined) return;
  process.kill(server.pid, "SIGKILL");
  back = server.restart();
}

async function start(onEvent: (event: RuntimeEvent) => void): Promise<void> {
  const env = { NATS_URL: server.url };
  const config = await loadConfig({ rootDir: project.rootDir, mode: "start", flags: {}, configPath: undefined, env });
  runtime = await startRuntime({
    config,
    mode: "start",
    clock: systemClock,
    emit: onEvent,
    environment: { PATH: process.env.PATH },
    onProgress: () => undefined,
  });
  expect(back).toBeDefined();
  await back;
}

async function whatIsWantedServes(): Promise<void> {
  const states = () =>
    runtime!
      .status()
      .map(({ name, state }) => `${name} ${state}`)
      .sort();
  await expect.poll(states, { timeout: 30_000 }).toEqual(["asked serving", "off disabled", "order serving"]);
  await client.connection.flush().catch(() => client.connection.flush());
  expect(await client.ask("ask")).toMatchObject({ value: "answer" });
}

it.each<[string, (event: RuntimeEvent) => boolean]>([
  ["before it is known what is disabled", ({ type }) => type === "nats.connected"],
  ["while handlers come up", (event) => event.type === "handler.state"],
  ["when the first handler serves", ({ type }) => type === "handler.serving"],
])("dying %s, it only delays the start: what is wanted serves, and what is disabled does not", async (_when, at) => {
  await start((event) => {
    if (at(event)) dieOnce();
  });
  await whatIsWantedServes();
});

it("dying in the middle of reading what is disabled, it only delays the start", async () => {
  client.connection.subscribe("$JS.API.STREAM.*.KV_shop_handlers", { callback: dieOnce });
  await client.flush();
  await start(() => undefined);
  await whatIsWantedServes();
});
