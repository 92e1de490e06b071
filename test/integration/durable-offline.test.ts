// A publisher may publish before its handler exists, and while it is gone: nothing is lost.

import { jetstreamManager } from "@nats-io/jetstream";
import { expect, it } from "vitest";
import { useStage } from "../support/runtime.ts";

const stage = useStage();
const TOTAL = 10_000;
const COUNTS = `export const metadata = { subject: "shop.order", kind: "durable", concurrency: 64 };
export default (order, ctx) => ctx.publish("handled", order.id);
`;
/** 10,000 of them take it 3 s at least: its file can go while there is work left, however fast the machine. */
const COUNTS_SLOWLY = `import { setTimeout as pause } from "node:timers/promises";
export const metadata = { subject: "shop.order", kind: "durable", concurrency: 16 };
export default async (order, ctx) => {
  await pause(5);
  await ctx.publish("handled", order.id);
};
`;

const distinct = (values: readonly number[]) => new Set(values).size;

it("10,000 messages published with nobody running are handled; so are those published while the handler's file is gone", async () => {
  const { client } = stage;
  const jsm = await jetstreamManager(client.connection);
  await jsm.streams.add({ name: "SHOP", subjects: ["shop.>"] });
  const publish = (from: number, count: number) => {
    for (let id = from; id < from + count; id++) client.publish("shop.order", { id });
    return client.flush();
  };
  const handled = await client.collect<number>("handled");
  await publish(0, TOTAL);

  const app = await stage.start({ handlers: { "order.js": COUNTS_SLOWLY } });
  await handled.when((values) => values.length > TOTAL / 3);
  await app.after(() => app.project.remove("order.js"), "handler.removed", { handler: "order" });
  await client.flush();
  const beforeReturn = handled.values.length;
  expect(beforeReturn).toBeLessThan(TOTAL);
  await publish(TOTAL, TOTAL);
  expect(handled.values.length).toBe(beforeReturn);

  const startedAtMs = performance.now();
  app.project.write("order.js", COUNTS);
  await handled.when((values) => distinct(values) === 2 * TOTAL);
  const tookMs = Math.round(performance.now() - startedAtMs);
  expect(distinct(handled.values)).toBe(2 * TOTAL);
  // Nothing died, so nothing came twice either.
  expect(handled.values.length).toBe(2 * TOTAL);
  expect(app.told("delivery.failed")).toEqual([]);
  console.log(
    `${TOTAL} before the start, ${beforeReturn} handled before the file went, the rest in ${tookMs} ms after`,
  );
});
