// The handlers that `init` writes: a typed event, a request that publishes it, a durable handler that takes it, and their test.

const EVENTS = `// What is asked and said about orders. Publishers and handlers share it; a name that starts with _ is never a handler.

import { defineEvent, defineRequest } from "nats-handlers";
import { z } from "zod";

const order = z.object({ item: z.string().min(1), cents: z.int().positive() });

export const placeOrder = defineRequest("orders.place", order, z.object({ id: z.uuid() }));

export const orderPlaced = defineEvent("orders.placed", order.extend({ id: z.uuid() }));
`;

const PLACE = `// Takes an order: npx handlers request orders.place '{"item":"pear","cents":250}'

import { defineHandler, type HandlerMetadata } from "nats-handlers";
import { orderPlaced, placeOrder } from "./_events.ts";

export const metadata = {
  ...placeOrder,
  kind: "request",
  publishes: [orderPlaced],
} satisfies HandlerMetadata;

export default defineHandler(metadata, async (order, ctx) => {
  const id = crypto.randomUUID();
  // Resolves when the stream has it: from here on it is not lost.
  await ctx.publish(orderPlaced, { id, ...order });
  return { id };
});
`;

const CONFIRM = `// Confirms each order that was placed. It runs until it returns, so it may run more than once: make it safe to repeat.

import { defineHandler, type HandlerMetadata } from "nats-handlers";
import { orderPlaced } from "./_events.ts";

export const metadata = {
  ...orderPlaced,
  kind: "durable",
  retry: { attempts: 5, backoff: ["1s", "5s", "30s"] },
} satisfies HandlerMetadata;

export default defineHandler(metadata, (order, ctx) => {
  ctx.log.info({ id: order.id }, \`confirmed \${order.item}\`);
});
`;

const TEST = `// Without NATS: a message through a handler as the runtime runs it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { runHandler } from "nats-handlers/testing";
import * as confirm from "./confirm.ts";
import * as place from "./place.ts";

test("an order gets an id, and is published under it", async () => {
  const run = await runHandler(place, { item: "pear", cents: 250 });
  assert.equal(run.outcome, "returned", run.error?.message);
  assert.deepEqual(
    run.published.map(({ subject, data }) => ({ subject, data })),
    [{ subject: "orders.placed", data: { id: run.reply?.id, item: "pear", cents: 250 } }],
  );
});

test("an order without an item is refused before it reaches the handler", async () => {
  const run = await runHandler(place, { item: "", cents: 250 });
  assert.equal(run.outcome, "invalid");
});

test("an order that was placed is confirmed", async () => {
  const run = await runHandler(confirm, { id: crypto.randomUUID(), item: "pear", cents: 250 });
  assert.deepEqual(run.settlement, { do: "ack" });
  assert.equal(run.logs[0]?.message, "confirmed pear");
});
`;

/** By path in the project. */
export const SAMPLE: Readonly<Record<string, string>> = {
  "handlers/orders/_events.ts": EVENTS,
  "handlers/orders/place.ts": PLACE,
  "handlers/orders/confirm.ts": CONFIRM,
  "handlers/orders/orders.test.ts": TEST,
};
