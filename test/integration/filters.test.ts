// Handlers that share a subject and take each their own of it, by `when`.
// @module-tag any-server

import { expect, it } from "vitest";
import { DeadLetterBox } from "../../runtime/dead-letters/dead-letter-box.ts";
import { freePort } from "../support/free-port.ts";
import { useStage } from "../support/runtime.ts";
import { scrape } from "../support/scrape.ts";

const stage = useStage();
const CONFIG = { streams: [{ name: "ORDERS", subjects: ["orders.>"] }] };
const MESSAGES = 60;
const TYPES = ["paid", "sent", "lost"];

const taking = (type: string, kind: string) => `
  import { z } from "zod";
  export const metadata = {
    subject: "orders.events", kind: "${kind}",
    schema: z.strictObject({ type: z.literal("${type}"), n: z.number() }),
    when: (event, { headers }) => event.type === "${type}" && !headers.has("x-test"),
  };
  export default (event, ctx) => ctx.publish("taken", { by: "${type}", kind: "${kind}", ...event });`;

it("each takes its own type, and what it lets pass is done with and counted", async () => {
  const port = await freePort();
  const app = await stage.start({
    handlers: {
      "paid.ts": taking("paid", "durable"),
      "sent.ts": taking("sent", "durable"),
      "heard.ts": taking("lost", "event"),
    },
    config: { ...CONFIG, http: { port } },
  });
  const taken = await stage.client.collect<{ by: string; type: string; n: number }>("taken");
  for (let n = 0; n < MESSAGES; n++) stage.client.publish("orders.events", { type: TYPES[n % 3], n });
  stage.client.publish("orders.events", { type: "paid", n: -1 }, { "X-Test": ["1"] });
  await taken.until(MESSAGES);
  expect(taken.values.filter(({ by, type }) => by !== type)).toEqual([]);
  expect(taken.values.map(({ n }) => n).sort((a, b) => a - b)).toEqual(Array.from({ length: MESSAGES }, (_, n) => n));
  const passed = (MESSAGES / 3) * 2 + 1;
  for (const handler of ["paid", "sent", "heard"]) {
    await expect.poll(() => app.status(handler)).toMatchObject({ handled: MESSAGES / 3, filtered: passed, failed: 0 });
    const metrics = await scrape(`http://127.0.0.1:${port}`);
    expect(metrics.get(`handlers_deliveries_total{handler="${handler}",outcome="filtered"}`)).toBe(passed);
  }
  expect(app.told("delivery.failed")).toEqual([]);
});

it("a filter that throws fails its message, which is retried and then a dead letter, and the others go on", async () => {
  const app = await stage.start({
    handlers: {
      "paid.ts": `
        export const metadata = {
          subject: "orders.events", kind: "durable", retry: { attempts: 2, backoff: "10ms" },
          when: (event) => event.type.startsWith("paid"),
        };
        export default (event, ctx) => ctx.publish("taken", event);`,
    },
    config: CONFIG,
  });
  const taken = await stage.client.collect("taken");
  stage.client.publish("orders.events", { n: 1 });
  stage.client.publish("orders.events", { n: 2, type: "paid" });
  const failed = await app.next("delivery.failed", { attempt: 2 }, 0);
  expect(failed).toMatchObject({ outcome: "threw", error: { message: expect.stringContaining("startsWith") } });
  expect(await taken.until(1)).toEqual([{ n: 2, type: "paid" }]);
  const letters = new DeadLetterBox(stage.client.connection, "shop");
  await expect.poll(() => letters.list()).toMatchObject([{ handler: "paid", reason: "threw", attempts: 2 }]);
});
