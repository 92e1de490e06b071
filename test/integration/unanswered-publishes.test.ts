// Awaited publishes to subjects that no stream takes: they are on their way when the handler goes on, as with any client of
// NATS, and what cannot leave after all fails the message.
// @module-tag any-server

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { jetstreamManager } from "@nats-io/jetstream";
import { expect, it } from "vitest";
import { durableNameOf } from "../../runtime/streams/durable-name.ts";
import { tenfold } from "../support/hurried-clock.ts";
import { useStage } from "../support/runtime.ts";

const stage = useStage();

/** Says at the gate that it is there, goes on when the gate is open, and notes each attempt that went on after its publish. */
const FORWARD = `
  import { appendFileSync, existsSync, writeFileSync } from "node:fs";
  export const metadata = { subject: "order.made", kind: "durable", retry: { attempts: 1 } };
  export default async ({ id, gate }, ctx) => {
    if (gate !== undefined) {
      writeFileSync(gate + ".reached", "");
      while (!existsSync(gate)) await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await ctx.publish("heard", { id }, { timeout: "300ms" });
    if (gate !== undefined) appendFileSync(gate + ".passed", "attempt " + ctx.attempt + ". ");
  };`;

it("a durable handler whose publish cannot leave is run again, uncharged, when NATS is back", async () => {
  const jsm = await jetstreamManager(stage.client.connection);
  await jsm.streams.add({ name: "ORDER", subjects: ["order.>"] });
  const heard = await stage.client.collect<{ id: number }>("heard");
  const app = await stage.start({ handlers: { "forward.js": FORWARD } });
  await stage.client.ask("order.made", { id: 1 });
  expect(await heard.until(1)).toEqual([{ id: 1 }]);

  const gate = join(app.project.rootDir, "gate");
  await stage.client.ask("order.made", { id: 2, gate });
  await expect.poll(() => existsSync(`${gate}.reached`)).toBe(true);
  await stage.server.kill();
  const failed = await app.after(() => writeFileSync(gate, ""), "delivery.failed");
  const passed = () => readFileSync(`${gate}.passed`, "utf8");
  expect(passed()).toBe("attempt 1. ");
  expect(failed).toMatchObject({
    handler: "forward",
    settled: expect.stringContaining("uncharged"),
    error: { message: expect.stringContaining('publish to "heard": not connected to NATS; nothing was sent') },
  });
  await stage.server.restart();
  const durable = durableNameOf("shop", "forward", "order.made");
  await expect.poll(() => jsm.consumers.info("ORDER", durable)).toMatchObject({ num_pending: 0, num_ack_pending: 0 });
  // As often as it ran before NATS was back.
  expect(passed()).toMatch(/^(attempt 1\. ){2,}$/);
});

it("one that publishes in a loop gives way, and hears that its time is up", async () => {
  const loop = `
    export const metadata = { subject: "begin", timeout: "2s" };
    export default async (_, ctx) => {
      let count = 0;
      while (!ctx.signal.aborted) await ctx.publish("flood", count++);
      await ctx.publish("ended", { many: count > 100 });
    };`;
  const app = await stage.start({ handlers: { "loop.js": loop } });
  const ended = await stage.client.collect("ended");
  const timedOut = app.next("delivery.failed");
  stage.client.publish("begin", {});
  expect(await ended.until(1)).toEqual([{ many: true }]);
  expect(await timedOut).toMatchObject({ handler: "loop" });
  expect(app.told("worker.exited")).toEqual([]);
});

it("what a stream begins to take is answered when it is stored, from the next look at the streams on", async () => {
  const note = `
    export const metadata = { subject: "noted" };
    export default ({ id }, ctx) => ctx.publish("kept.note", { id });`;
  await stage.start({ handlers: { "note.js": note }, clock: tenfold });
  const heard = await stage.client.collect<{ id: number }>("kept.note");
  for (const id of [1, 2]) stage.client.publish("noted", { id });
  await heard.until(2);
  const jsm = await jetstreamManager(stage.client.connection);
  await jsm.streams.add({ name: "KEPT", subjects: ["kept.>"] });
  let id = 2;
  const lastHasId = async () => {
    stage.client.publish("noted", { id: ++id });
    await heard.until(id);
    const { state } = await jsm.streams.info("KEPT");
    const last = await jsm.streams.getMessage("KEPT", { seq: state.last_seq });
    return last?.header.has("Nats-Msg-Id");
  };
  await expect.poll(lastHasId).toBe(true);
  expect(heard.values.map((value) => value.id)).toEqual(Array.from({ length: id }, (_, at) => at + 1));
});
