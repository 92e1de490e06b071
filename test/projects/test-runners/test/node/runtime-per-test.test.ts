// Ten tests with a runtime each: `node --test` says how long they take.

import assert from "node:assert/strict";
import { test } from "node:test";
import { startTestRuntime } from "nats-handlers/testing";

for (let number = 1; number <= 10; number++) {
  test(`order ${number} is billed`, async () => {
    await using app = await startTestRuntime();
    await app.publish("orders.placed", { id: `o${number}` });
    await app.idle();
    assert.deepEqual(
      app.published("orders.billed").map(({ data }) => data),
      [{ id: `o${number}` }],
    );
  });
}
