// Headers that go on from handler to handler, through requests, streams and what leaves later.
// @module-tag any-server

import { expect, it } from "vitest";
import { useStage } from "../support/runtime.ts";

const stage = useStage();

it("a request id goes all the way by default, and what a handler names for itself is all that goes on from there", async () => {
  await stage.start({
    handlers: {
      "take.ts": `
        export const metadata = { subject: "orders.new", kind: "durable" };
        export default async (_event, ctx) => {
          await ctx.request("stock.left");
          await ctx.publish("told.now", 1, { headers: { "X-User": "bob" } });
          await ctx.publish("told.later", 1, { delay: "100ms" });
        };`,
      "stock.ts": `
        export const metadata = { subject: "stock.left", kind: "request", propagate: ["x-user"] };
        export default async (_event, ctx) => { await ctx.publish("told.stock", 1); return 4; };`,
    },
    config: {
      streams: [{ name: "ORDERS", subjects: ["orders.>"] }],
      defaults: { propagate: ["x-request-id", "x-user", "x-none"] },
    },
  });
  const told = await stage.client.collect("told.*");
  const headers = { "X-Request-Id": ["r1"], "X-User": ["ann"], "X-Other": ["no"], "Nats-Msg-Id": ["m1"] };
  stage.client.publish("orders.new", {}, headers);
  await told.until(3);
  const names = ["X-Request-Id", "X-User", "X-Other"];
  const seen = told.messages.map(({ subject, headers }) => [subject, names.map((name) => headers?.values(name))]);
  expect(Object.fromEntries(seen)).toEqual({
    "told.stock": [[], ["ann"], []],
    "told.now": [["r1"], ["bob"], []],
    "told.later": [["r1"], ["ann"], []],
  });
  expect(told.messages.map(({ headers }) => headers?.get("Nats-Msg-Id"))).not.toContain("m1");
});
