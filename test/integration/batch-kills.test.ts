// Batches whose process is killed from outside while they run: all of it is run again, and nobody is charged.

import { jetstreamManager } from "@nats-io/jetstream";
import { expect, it } from "vitest";
import { DeadLetterBox } from "../../runtime/dead-letters/dead-letter-box.ts";
import { durableNameOf } from "../../runtime/streams/durable-name.ts";
import { useStage } from "../support/runtime.ts";

const stage = useStage();
const MESSAGES = 1_000;

const source = `
  export const metadata = { subject: "k.a", kind: "durable", batch: { size: 50, wait: "50ms" }, retry: { attempts: 1 } };
  export default async (contents, ctx) => {
    await ctx.messages[0].request("began", contents.length);
    for (const [at, { n }] of contents.entries()) await ctx.messages[at].publish("took", n);
  };`;

it("every message is taken, and none becomes a letter, where the worker is killed in the middle of batches", async () => {
  const { connection } = stage.client;
  const jsm = await jetstreamManager(connection);
  await jsm.streams.add({ name: "K", subjects: ["k.>"] });
  const took = await stage.client.collect<number>("took");
  const app = await stage.start({ handlers: { "take.js": source } });
  let batches = 0;
  const killAt = new Set([2, 6, 10]);
  const sizes: number[] = [];
  connection.subscribe("began", {
    callback: (_error, message) => {
      const size = message.json<number>();
      sizes.push(size);
      if (size > 1 && killAt.has(++batches)) process.kill(app.status("take").pids[0]!, "SIGKILL");
      else message.respond("{}");
    },
  });
  await connection.flush();
  const lots = Array.from({ length: MESSAGES }, (_, n) => connection.request("k.a", JSON.stringify({ n })));
  await Promise.all(lots);
  const waiting = async () => {
    const { num_pending, num_ack_pending } = await jsm.consumers.info("K", durableNameOf("shop", "take", "k.a"));
    return num_pending + num_ack_pending;
  };
  await expect.poll(waiting, { timeout: 60_000 }).toBe(0);
  const all = Array.from({ length: MESSAGES }, (_, n) => n);
  await expect.poll(() => [...new Set(took.values)].sort((a, b) => a - b)).toEqual(all);
  expect(app.status("take")).toMatchObject({ handled: MESSAGES, failed: 0 });
  expect(app.told("handler.quarantined")).toEqual([]);
  expect(await new DeadLetterBox(connection, "shop").list()).toEqual([]);
  expect(sizes.filter((size) => size > 1).length).toBeGreaterThan(10);
});
