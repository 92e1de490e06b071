// Schedules that handlers have made, when a replica is killed and when all are started again: each planned time is stored once.

import { jetstreamManager } from "@nats-io/jetstream";
import { afterEach, expect, it } from "vitest";
import { connectClient } from "../support/client.ts";
import { startTestServer } from "../support/nats-server.ts";
import { startReplicas } from "../support/replicas.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const MAKER = `
export const metadata = { subject: "make", kind: "request" };
export default async (_, ctx) => {
  await ctx.schedule("k", "tick", { n: 1 }, { every: "1s", missed: "all" });
  return "made";
};`;

const COUNTS = `
export const metadata = { subject: "tick", kind: "durable" };
export default () => {};`;

it("each planned time is stored once, whoever is killed, and none is left out over a restart", async () => {
  const server = await startTestServer();
  cleanups.push(() => server.stop());
  const { connection } = await connectClient(server.url);
  cleanups.push(() => connection.close());
  const jsm = await jetstreamManager(connection);
  await jsm.streams.add({ name: "TICKS", subjects: ["tick"] });
  const files = { "make.js": MAKER, "tick.js": COUNTS };
  const fleet = await startReplicas({ url: server.url, files, environments: [{}, {}] });
  cleanups.push(() => fleet.close());
  const stored = async () => (await jsm.streams.info("TICKS")).state.messages;
  const more = async (count: number) => {
    const from = await stored();
    await expect.poll(stored, { timeout: 60_000, interval: 50 }).toBeGreaterThanOrEqual(from + count);
  };
  expect((await connection.request("make", "{}", { timeout: 10_000 })).json()).toBe("made");
  await more(3);
  process.kill(fleet.pids()[0]!, "SIGKILL");
  await fleet.processes[0]!.ended;
  await more(4);
  await fleet.restart();
  await more(3);
  const count = await stored();
  const messages = await Promise.all(
    Array.from({ length: count }, (_, at) => jsm.streams.getMessage("TICKS", { seq: at + 1 })),
  );
  const planned = messages.map((message) => Date.parse(message!.header.get("Handlers-Scheduled-For")));
  expect(planned).toEqual(planned.map((_, at) => planned[0]! + at * 1_000));
}, 120_000);
