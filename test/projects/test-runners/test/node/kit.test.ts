import assert from "node:assert/strict";
import { test } from "node:test";
import { crashPoints, runHandler, startTestRuntime } from "nats-handlers/testing";
import * as bill from "../../handlers/bill.ts";

test("one message, without NATS", async () => {
  const run = await runHandler(bill, { id: "a" });
  assert.deepEqual(run.settlement, { do: "ack" });
  assert.deepEqual(
    run.published.map(({ subject, data }) => [subject, data]),
    [["orders.billed", { id: "a" }]],
  );
  assert.equal((await runHandler(bill, { id: 3 } as never)).outcome, "invalid");
});

test("the whole runtime", async () => {
  await using app = await startTestRuntime();
  for (const id of ["a", "broke"]) await app.publish("orders.placed", { id });
  await app.idle();
  assert.deepEqual(
    app.published("orders.billed").map(({ data }) => data),
    [{ id: "a" }],
  );
  const letters = await app.deadLetters();
  assert.deepEqual(
    letters.map(({ handler, data, attempts }) => ({ handler, data, attempts })),
    [{ handler: "bill", data: { id: "broke" }, attempts: 2 }],
  );
  assert.deepEqual(await app.request("orders.price", { item: "pear" }), { item: "pear", cents: 250 });
});

test("a crash at every step", async () => {
  const points = await crashPoints("handlers/bill.ts", { id: "a" });
  assert.ok(points.some(({ at }) => at === "after the publish to orders.billed"));
});
