import { expect, test } from "@jest/globals";
import { crashPoints, runHandler, startTestRuntime } from "nats-handlers/testing";
import * as bill from "../../handlers/bill.ts";

test("one message, without NATS", async () => {
  const run = await runHandler(bill, { id: "a" });
  expect(run.settlement).toEqual({ do: "ack" });
  expect(run.published).toMatchObject([{ subject: "orders.billed", data: { id: "a" } }]);
  expect(await runHandler(bill, { id: 3 } as never)).toMatchObject({ outcome: "invalid" });
});

test("the whole runtime", async () => {
  await using app = await startTestRuntime();
  for (const id of ["a", "broke"]) await app.publish("orders.placed", { id });
  await app.idle();
  expect(app.published("orders.billed")).toMatchObject([{ data: { id: "a" } }]);
  expect(await app.deadLetters()).toMatchObject([{ handler: "bill", data: { id: "broke" }, attempts: 2 }]);
  expect(await app.request("orders.price", { item: "pear" })).toEqual({ item: "pear", cents: 250 });
}, 60_000);

test("a crash at every step", async () => {
  const points = await crashPoints("handlers/bill.ts", { id: "a" });
  expect(points.map(({ at }) => at)).toContain("after the publish to orders.billed");
}, 60_000);
