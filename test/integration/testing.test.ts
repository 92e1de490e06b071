// The test kit's `startTestRuntime`: the real runtime on a nats-server of its own, as an author's test has it.
// @module-tag any-server

import { defineEvent } from "nats-handlers";
import { startTestRuntime } from "nats-handlers/testing";
import { afterEach, expect, it } from "vitest";
import { z } from "zod";
import { createProject, type TestProject } from "../support/project.ts";

const placed = defineEvent("orders.placed", z.object({ id: z.string() }));

const HANDLERS = {
  "bill.ts": `
    export const metadata = { subject: "orders.placed", kind: "durable", retry: { attempts: 2, backoff: ["10ms"] } };
    export default async (order: { id: string }, ctx: any) => {
      if (order.id === "broke") throw new Error("card declined");
      if (order.id === "slow" && ctx.attempt === 1) throw new Error("not yet");
      await ctx.publish("orders.billed", { id: order.id }, { headers: { "X-By": "bill" } });
    };`,
  "count.ts": `
    export const metadata = { subject: "orders.billed" };
    export default (order: { id: string }, ctx: any) => ctx.log.info({ id: order.id }, "counted");`,
  "price.ts": `
    export const metadata = { subject: "orders.price", kind: "request" };
    export default async (order: { id: string }, ctx: any) => {
      if (order.id === "none") throw Object.assign(new Error("no such order"));
      return { id: order.id, price: 3 };
    };`,
};

let project: TestProject | undefined;
afterEach(() => {
  project?.end();
  project = undefined;
});

function shop(handlers: Readonly<Record<string, string>> = HANDLERS, more: object = {}) {
  project = createProject(handlers);
  return startTestRuntime({ root: project.rootDir, ...more });
}

it("what is published is handled to its end, and everything that was done is there to look at", async () => {
  await using app = await shop();
  for (const id of ["a", "slow", "broke"]) await app.publish(placed, { id });
  await app.idle();
  expect(app.published("orders.billed").map(({ data, handler }) => [data, handler])).toEqual([
    [{ id: "a" }, "bill"],
    [{ id: "slow" }, "bill"],
  ]);
  expect(app.published()[0]?.headers.get("x-by")).toBe("bill");
  expect(app.logs("count")).toMatchObject([{ message: "counted", fields: { id: "a" } }, { fields: { id: "slow" } }]);
  const failed = { handler: "bill", subject: "orders.placed", reason: "threw", message: "card declined", attempts: 2 };
  expect(await app.deadLetters()).toEqual([{ id: expect.any(Number), data: { id: "broke" }, ...failed }]);
});

it("a request is answered, and an error is the replier's", async () => {
  await using app = await shop();
  expect(await app.request("orders.price", { id: "a" })).toEqual({ id: "a", price: 3 });
  await expect(app.request("orders.price", { id: "none" })).rejects.toMatchObject({
    message: "no such order",
    code: 500,
  });
  await expect(app.request("orders.nobody")).rejects.toMatchObject({ code: 503 });
});

it("two run side by side, and neither hears the other", async () => {
  await using one = await shop();
  await using other = await startTestRuntime({ root: project!.rootDir, only: ["bill"] });
  await one.publish(placed, { id: "a" });
  await Promise.all([one.idle(), other.idle()]);
  expect([one.published().length, other.published().length]).toEqual([1, 0]);
  await expect(other.request("orders.price", { id: "a" })).rejects.toMatchObject({ code: 503 });
});

it("who waits for idle in vain is told for what", async () => {
  const waits = `
    export const metadata = { subject: "orders.placed", kind: "durable", retry: { attempts: 2, backoff: ["1h"] } };
    export default () => { throw new Error("not yet"); };`;
  await using app = await shop({ "waits.ts": waits });
  await app.publish(placed, { id: "a" });
  await expect(app.idle({ timeout: "200ms" })).rejects.toThrow(/"waits": .* 1 not settled in its stream/);
});

it("a handler that cannot serve keeps the runtime from starting, with its place", async () => {
  await expect(shop({ "broken.ts": "export default (" })).rejects.toThrow(/BUNDLE_FAILED[\s\S]*handlers\/broken\.ts:1/);
});

it("the configuration of a test is checked as any", async () => {
  const config = { defaults: { concurrency: 0 } };
  await expect(shop(HANDLERS, { config })).rejects.toMatchObject({ code: "CONFIG_INVALID" });
});
