// Saving a durable handler under load: no message is charged an attempt, and none is run twice.

import { jetstreamManager } from "@nats-io/jetstream";
import { expect, it } from "vitest";
import { durableNameOf } from "../../runtime/streams/durable-name.ts";
import { useStage } from "../support/runtime.ts";
import { startTraffic } from "../support/traffic.ts";
import { volume } from "../support/volume.ts";

const DURABLE = durableNameOf("shop", "order", "shop.order");

const stage = useStage();
const SAVES = volume(50);
const PER_SECOND = 1_500;

/** Some messages are in hand when the next version comes. */
const counting = (version: number) => `
export const metadata = { subject: "shop.order", kind: "durable", concurrency: 32 };
export default async ({ id }, ctx) => {
  if (id % 7 === 0) await new Promise((resolve) => setTimeout(resolve, 30));
  await ctx.publish("handled", { id, attempt: ctx.attempt, version: ${version} });
};
`;

it(`saved ${SAVES} times under load, every message is run once, as a first attempt`, async () => {
  const app = await stage.start({ handlers: { "order.js": counting(0) } });
  const handled = await stage.client.collect<{ id: number; attempt: number; version: number }>("handled");
  const traffic = startTraffic(stage.client, "shop.order", PER_SECOND);
  for (let version = 1; version <= SAVES; version++) {
    await app.after(() => app.project.write("order.js", counting(version)), "handler.serving", { handler: "order" });
  }
  const sent = await traffic.stop();
  await handled.until(sent);
  await expect.poll(async () => (await consumer()).num_ack_pending).toBe(0);
  const times = new Map<number, number>();
  for (const { id } of handled.values) times.set(id, (times.get(id) ?? 0) + 1);
  expect(times.size).toBe(sent);
  expect([...times].filter(([, count]) => count > 1)).toEqual([]);
  expect(handled.values.filter(({ attempt }) => attempt > 1)).toEqual([]);
  expect(await consumer()).toMatchObject({ num_pending: 0, num_redelivered: 0 });
  expect(app.told("delivery.failed")).toEqual([]);
  const versions = new Set(handled.values.map(({ version }) => version)).size;
  console.log(`${sent} messages by ${versions} of ${SAVES} versions, each once`);
  expect(versions).toBeGreaterThan(SAVES / 2);
});

async function consumer() {
  const jsm = await jetstreamManager(stage.client.connection);
  return jsm.consumers.info("SHOP_SHOP", DURABLE);
}
