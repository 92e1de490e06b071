// A durable handler whose stream is made after the start: nobody saves a file in a container, so it is tried again by itself.

import { jetstreamManager } from "@nats-io/jetstream";
import { expect, it } from "vitest";
import { freePort } from "../support/free-port.ts";
import { useStage } from "../support/runtime.ts";

const stage = useStage();

it("a durable whose stream is made after `start` serves a moment later, and the replica is ready then", async () => {
  const port = await freePort();
  const app = await stage.start({
    mode: "start",
    handlers: {
      "late.ts": `export const metadata = { subject: "late.made", kind: "durable" };
export default (n, ctx) => ctx.publish("handled.late", n);`,
    },
    config: { http: { port, host: "127.0.0.1" } },
  });
  const ready = async () => (await fetch(`http://127.0.0.1:${port}/readyz`)).status;
  expect(app.status("late")).toMatchObject({ state: "failed", lastFailure: { code: "STREAM_MISSING" } });
  expect(await ready()).toBe(503);
  const handled = await stage.client.collect<number>("handled.late");
  const jsm = await jetstreamManager(stage.client.connection);
  const serving = app.next("handler.serving", { handler: "late" });
  await jsm.streams.add({ name: "LATE", subjects: ["late.>"] });
  stage.client.publish("late.made", 1);
  await serving;
  expect(await handled.until(1)).toEqual([1]);
  expect(await ready()).toBe(200);
  expect(app.told("handler.failed").length).toBe(1);
});
