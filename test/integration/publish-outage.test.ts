// A durable handler whose `ctx.publish` finds a full stream, or one that is away: the outage is not its messages' fault.

import { DiscardPolicy, jetstreamManager } from "@nats-io/jetstream";
import { expect, it } from "vitest";
import { DeadLetterBox } from "../../runtime/dead-letters/dead-letter-box.ts";
import { durableNameOf } from "../../runtime/streams/durable-name.ts";
import { removeStreams } from "../support/remove-streams.ts";
import { useStage } from "../support/runtime.ts";

const DURABLE = durableNameOf("shop", "forward", "order");

const stage = useStage();

const FORWARD = `
  export const metadata = { subject: "order", kind: "durable", retry: { attempts: 1 } };
  export default async (order, ctx) => {
    await ctx.publish("out.order", { ...order, attempt: ctx.attempt });
  };`;

async function start(limits: { readonly max_msgs?: number; readonly max_msg_size?: number }) {
  const jsm = await jetstreamManager(stage.client.connection);
  await removeStreams(jsm);
  await jsm.streams.add({ name: "ORDER", subjects: ["order"] });
  await jsm.streams.add({ name: "OUT", subjects: ["out.>"], discard: DiscardPolicy.New, ...limits });
  const app = await stage.start({ handlers: { "forward.js": FORWARD } });
  return { jsm, app, box: new DeadLetterBox(stage.client.connection, "shop") };
}

it("a stream that is full burns no attempts: its messages are handled when it takes some again", async () => {
  const { jsm, app, box } = await start({ max_msgs: 1 });
  await stage.client.ask("out.before", {});
  for (let id = 1; id <= 3; id++) await stage.client.ask("order", { id });
  const [first] = await Promise.all(
    [1, 2, 3].map((count) => app.next("delivery.failed", () => app.told("delivery.failed").length >= count, 0)),
  );
  expect(first!.settled).toBe("NATS did not take what it publishes: run again in 1000 ms, uncharged");
  expect(first!.error.message).toContain("its stream did not take it");
  await jsm.streams.update("OUT", { max_msgs: 100 });
  const stored = await stage.client.collect<{ id: number; attempt: number }>("out.order");
  const handled = await stored.when((values) => new Set(values.map(({ id }) => id)).size === 3);
  expect(handled.map(({ attempt }) => attempt)).toEqual(handled.map(() => 1));
  await app.close(5_000);
  expect(await box.list()).toEqual([]);
  expect((await jsm.streams.info("OUT")).state.messages).toBe(4);
  await expect.poll(() => jsm.consumers.info("ORDER", DURABLE)).toMatchObject({ num_pending: 0, num_ack_pending: 0 });
});

it("a message that the stream refuses for its own sake is charged, and a dead letter", async () => {
  const { app, box } = await start({ max_msg_size: 20 });
  const kept = app.next("runtime.notice", ({ message }) => message.includes("is kept"));
  await stage.client.ask("order", { text: "longer than the stream allows" });
  await kept;
  expect(await box.list()).toMatchObject([{ reason: "threw", attempts: 1 }]);
});

it("what waits goes back uncharged when its replica ends, and another one handles it", async () => {
  const { jsm, app } = await start({ max_msgs: 1 });
  await stage.client.ask("out.before", {});
  const failed = app.next("delivery.failed");
  await stage.client.ask("order", { id: 1 });
  await failed;
  await app.close(5_000);
  await jsm.streams.update("OUT", { max_msgs: 100 });
  const stored = await stage.client.collect<{ id: number; attempt: number }>("out.order");
  await stage.start({ project: app.project });
  expect(await stored.until(1)).toMatchObject([{ id: 1, attempt: 1 }]);
});
