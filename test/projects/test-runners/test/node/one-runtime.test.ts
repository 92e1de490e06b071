// Ten tests with one runtime for the file: `node --test` says how long they take.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startTestRuntime, type TestRuntime } from "nats-handlers/testing";

let app: TestRuntime;

before(async () => {
  app = await startTestRuntime();
});
after(() => app.close());

for (let number = 1; number <= 10; number++) {
  test(`order ${number} is billed`, async () => {
    await app.publish("orders.placed", { id: `o${number}` });
    await app.idle();
    assert.deepEqual(app.published("orders.billed").at(-1)?.data, { id: `o${number}` });
  });
}
