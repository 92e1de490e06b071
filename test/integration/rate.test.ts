// `rate`: so many messages begin in so long in each replica; what waits for its turn is charged nothing.

import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import { beforeEach, expect, it } from "vitest";
import { removeStreams } from "../support/remove-streams.ts";
import { useStage } from "../support/runtime.ts";

const stage = useStage();
let jsm: JetStreamManager;
beforeEach(async () => {
  jsm = await jetstreamManager(stage.client.connection);
  await removeStreams(jsm);
  await jsm.streams.add({ name: "T", subjects: ["t.>"] });
});

const handler = (metadata: string) => `
  export const metadata = { ${metadata} };
  export default ({ n }, ctx) => ctx.publish("ran", { n, attempt: ctx.attempt });`;
/** It answers only after what was published before it has been looked at. */
const FENCE = `export const metadata = { subject: "fence", kind: "request" }; export default () => "passed";`;
const SLOW = 'rate: "1/h"';

async function consumers() {
  const found: { readonly pending: number; readonly inHand: number }[] = [];
  for await (const { num_pending, num_ack_pending } of jsm.consumers.list("T"))
    found.push({ pending: num_pending, inHand: num_ack_pending });
  return found;
}

it("of a durable handler: the others wait in the stream, for whoever has a turn, and each is run once", async () => {
  const ran = await stage.client.collect<{ n: number; attempt: number }>("ran");
  for (let n = 0; n < 4; n++) await stage.client.connection.request("t.a", JSON.stringify({ n }));
  const app = await stage.start({
    handlers: { "save.js": handler(`subject: "t.a", kind: "durable", ${SLOW}`), "fence.js": FENCE },
  });
  expect(await ran.until(1)).toEqual([{ n: 0, attempt: 1 }]);
  await expect.poll(consumers).toEqual([{ pending: 3, inHand: 0 }]);

  // Another replica has a turn of its own.
  const other = await stage.start({ project: app.project });
  expect(await ran.until(2)).toContainEqual({ n: 1, attempt: 1 });
  await expect.poll(consumers).toEqual([{ pending: 2, inHand: 0 }]);
  await other.close();
  expect((await stage.client.ask("fence")).value).toBe("passed");
  expect(ran.values).toHaveLength(2);

  app.project.write("save.js", handler('subject: "t.a", kind: "durable", rate: "1000/s"'));
  const runs = (await ran.until(4)).map(({ n, attempt }) => [n, attempt]).sort();
  expect(runs).toEqual([0, 1, 2, 3].map((n) => [n, 1]));
  expect(app.told("delivery.failed")).toEqual([]);
});

it("of an event handler: the others wait in its queue, and what is too much for that is dropped", async () => {
  const ran = await stage.client.collect<{ n: number }>("ran");
  const app = await stage.start({
    handlers: { "save.js": handler(`subject: "e.a", maxQueued: 3, ${SLOW}`), "fence.js": FENCE },
  });
  const dropped = app.after(() => {
    for (let n = 0; n < 6; n++) stage.client.publish("e.a", { n });
  }, "delivery.dropped");
  expect(await dropped).toMatchObject({ handler: "save", count: 2 });
  expect(await ran.until(1)).toMatchObject([{ n: 0 }]);
  expect(app.status("save").queued).toBe(3);
  app.project.write("save.js", handler('subject: "e.a", maxQueued: 3, rate: "100/s"'));
  expect((await ran.until(4)).map(({ n }) => n).sort()).toEqual([0, 1, 2, 3]);
  expect(app.told("delivery.failed")).toEqual([]);
});
