// The counters scraped before and after known traffic differ by exactly that traffic.

import { expect, it } from "vitest";
import { freePort } from "../support/free-port.ts";
import { useStage } from "../support/runtime.ts";
import { scrape } from "../support/scrape.ts";

const stage = useStage();

const HANDLERS = {
  "shop/price.ts": `
    import { GiveUp } from "nats-handlers";
    export const metadata = { subject: "shop.price", kind: "request" };
    export default ({ order }) => {
      if (order === "unknown") throw new GiveUp("no such order");
      if (order === "broken") throw new Error("it broke");
      return { price: order };
    };`,
  "shop/heard.ts": `
    export const metadata = { subject: "shop.price" };
    export default () => {};`,
  "shop/kept.ts": `
    export const metadata = {
      subject: "orders.new", kind: "durable", retry: { attempts: 3, backoff: ["10ms"] },
    };
    export default ({ order }) => { if (order === "broken") throw new Error("it broke"); };`,
  "shop/frail.ts": `
    export const metadata = { subject: "shop.frail", concurrency: 1 };
    export default () => process.exit(3);`,
};

const CONFIG = { streams: [{ name: "ORDERS", subjects: ["orders.>"] }] };

type Series = ReadonlyMap<string, number>;

/** What has grown between two scrapes, of the series of handlers. Gauges and times are not traffic. */
function growth(before: Series, after: Series): Record<string, number> {
  const counts = /^handlers_(deliveries|redeliveries|dead_letters|reloads|worker_restarts|cold_starts)_total|_count\{/;
  const grown = [...after].map(([name, value]) => [name, value - (before.get(name) ?? 0)] as const);
  return Object.fromEntries(
    grown.filter(([name, by]) => name.startsWith("handlers_") && counts.test(name) && by !== 0),
  );
}

const total = (grown: Record<string, number>, metric: string) =>
  Object.entries(grown).reduce((sum, [name, by]) => (name.startsWith(`${metric}{`) ? sum + by : sum), 0);

it("the metrics agree exactly with the traffic between two scrapes", async () => {
  const port = await freePort();
  const app = await stage.start({ handlers: HANDLERS, config: { ...CONFIG, http: { port } } });
  const url = `http://127.0.0.1:${port}`;
  const before = await scrape(url);
  for (let at = 0; at < 50; at++) expect((await stage.client.ask("shop.price", { order: at })).code).toBe(0);
  for (let at = 0; at < 3; at++) expect((await stage.client.ask("shop.price", { order: "unknown" })).code).toBe(422);
  for (let at = 0; at < 2; at++) expect((await stage.client.ask("shop.price", { order: "broken" })).code).toBe(500);
  for (let at = 0; at < 100; at++) stage.client.publish("orders.new", { order: at });
  stage.client.publish("orders.new", { order: "broken" });
  await app.after(() => stage.client.publish("shop.frail"), "handler.serving", { why: "restart" });
  await app.after(
    () => app.project.write("shop/heard.ts", `${HANDLERS["shop/heard.ts"]}\n// changed\nexport const more = 1;`),
    "handler.serving",
    { handler: "shop/heard", why: "reload" },
  );
  // 55 requests, heard by two handlers; 100 orders and one that is tried three times; one crash.
  const expected = 55 + 55 + 100 + 3 + 1;
  let grown: Record<string, number> = {};
  while (total(grown, "handlers_deliveries_total") < expected || total(grown, "handlers_dead_letters_total") < 2)
    grown = growth(before, await scrape(url));
  expect(grown).toEqual({
    'handlers_deliveries_total{handler="shop/price",outcome="returned"}': 50,
    'handlers_deliveries_total{handler="shop/price",outcome="gave-up"}': 3,
    'handlers_deliveries_total{handler="shop/price",outcome="threw"}': 2,
    'handlers_deliveries_total{handler="shop/heard",outcome="returned"}': 55,
    'handlers_deliveries_total{handler="shop/kept",outcome="returned"}': 100,
    'handlers_deliveries_total{handler="shop/kept",outcome="threw"}': 3,
    'handlers_deliveries_total{handler="shop/frail",outcome="crashed"}': 1,
    'handlers_redeliveries_total{handler="shop/kept"}': 2,
    'handlers_dead_letters_total{handler="shop/kept"}': 1,
    'handlers_dead_letters_total{handler="shop/frail"}': 1,
    'handlers_reloads_total{handler="shop/heard"}': 1,
    'handlers_worker_restarts_total{handler="shop/frail",reason="crashed"}': 1,
    'handlers_delivery_duration_seconds_count{handler="shop/price"}': 55,
    'handlers_delivery_duration_seconds_count{handler="shop/heard"}': 55,
    'handlers_delivery_duration_seconds_count{handler="shop/kept"}': 103,
    'handlers_delivery_duration_seconds_count{handler="shop/frail"}': 1,
    'handlers_delivery_queue_seconds_count{handler="shop/price"}': 55,
    'handlers_delivery_queue_seconds_count{handler="shop/heard"}': 55,
    'handlers_delivery_queue_seconds_count{handler="shop/kept"}': 103,
    'handlers_delivery_queue_seconds_count{handler="shop/frail"}': 1,
  });
});

it("what waits behind a busy handler shows as queued, and in the time it waited", async () => {
  const port = await freePort();
  const slow = `
    export const metadata = { subject: "slow", concurrency: 1 };
    export default async (n, ctx) => { await ctx.request("slow.gate"); };`;
  await stage.start({ handlers: { "slow.ts": slow }, config: { http: { port } } });
  const url = `http://127.0.0.1:${port}`;
  const asked = await stage.client.collect<unknown>("slow.gate");
  for (let at = 0; at < 3; at++) stage.client.publish("slow", at);
  await asked.until(1);
  let series = await scrape(url);
  const of = (name: string) => series.get(`handlers_${name}{handler="slow"}`);
  while ((of("deliveries_in_flight") ?? 0) + (of("deliveries_queued") ?? 0) < 3) series = await scrape(url);
  expect(of("delivery_queue_seconds_count")).toBeUndefined();
  for (let at = 0; at < 3; at++) {
    await asked.until(at + 1);
    asked.messages[at]?.respond("");
  }
  while (of("delivery_queue_seconds_count") !== 3) series = await scrape(url);
  expect(of("deliveries_in_flight")).toBe(0);
  expect(of("delivery_queue_seconds_sum")).toBeGreaterThan(0);
});

it("idle handlers show their cold starts; a durable one shows what it has not settled; workers show what they use", async () => {
  const port = await freePort();
  const config = { ...CONFIG, eagerWorkers: 0, http: { port } };
  const waiting = `
    export const metadata = { subject: "orders.wait", kind: "durable", concurrency: 1 };
    export default (n, ctx) => ctx.request("wait.gate");`;
  const app = await stage.start({ handlers: { ...HANDLERS, "wait.ts": waiting }, config });
  const url = `http://127.0.0.1:${port}`;
  expect((await scrape(url)).get('handlers_workers{handler="shop/price"}')).toBe(0);
  await stage.client.ask("shop.price", { order: 1 });
  const asked = await stage.client.collect<unknown>("wait.gate");
  for (let at = 0; at < 4; at++) stage.client.publish("orders.wait", at);
  await asked.until(1);
  const pending = 'handlers_pending_messages{handler="wait"}';
  let series = await scrape(url);
  while (series.get(pending) !== 4) series = await scrape(url);
  expect(series.get('handlers_cold_starts_total{handler="shop/price"}')).toBe(1);
  expect(series.get('handlers_cold_start_seconds_total{handler="shop/price"}')).toBeGreaterThan(0);
  expect(series.get('handlers_workers{handler="shop/price"}')).toBe(1);
  if (process.platform === "linux")
    expect(series.get('handlers_worker_memory_bytes{handler="shop/price"}')).toBeGreaterThan(1e7);
  for (let at = 0; at < 4; at++) {
    await asked.until(at + 1);
    asked.messages[at]?.respond("");
  }
  while (series.get(pending) !== 0) series = await scrape(url);
  await app.close();
});
