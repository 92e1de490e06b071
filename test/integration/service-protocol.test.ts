// The service protocol as NATS's own client for it sees the app.

import { type ServiceInfo, type ServiceStats, Svcm } from "@nats-io/services";
import type { NatsConnection } from "@nats-io/transport-node";
import { expect, it } from "vitest";
import { useStage } from "../support/runtime.ts";

const stage = useStage();

const HANDLERS = {
  "shop/price.ts": `
    export const metadata = { subject: "shop.price", kind: "request", description: "Tells the price" };
    export default ({ order }) => { if (order === "broken") throw new Error("it broke"); return { price: order }; };`,
  "shop/heard.ts": `
    export const metadata = { subject: "shop.>" };
    export default () => {};`,
  "shop/kept.ts": `
    export const metadata = { subject: "orders.new", kind: "durable" };
    export default () => {};`,
};

const CONFIG = { app: "shop", streams: [{ name: "ORDERS", subjects: ["orders.>"] }] };

/** The library brings a copy of the client core of its own, whose types are not ours. */
function client() {
  const connection: NatsConnection = stage.client.connection;
  return new Svcm(connection as never).client({ strategy: "stall", maxWait: 2_000 } as never);
}

async function all<T>(answers: Promise<AsyncIterable<T>>): Promise<T[]> {
  const found: T[] = [];
  for await (const answer of await answers) found.push(answer);
  return found;
}

async function info(): Promise<ServiceInfo> {
  const [found] = await all(client().info("shop"));
  if (found === undefined) throw new Error("no service answers");
  return found;
}

const endpointNames = (service: ServiceInfo) => service.endpoints.map(({ name }) => name);

it("every handler is an endpoint, found by everybody, by name and by id", async () => {
  await stage.start({ handlers: HANDLERS, config: CONFIG });
  const service = await info();
  expect(service).toMatchObject({ type: "io.nats.micro.v1.info_response", name: "shop", version: "0.0.0" });
  expect(service.endpoints).toEqual([
    expect.objectContaining({ name: "shop_heard", subject: "shop.>", queue_group: "shop.shop.heard" }),
    expect.objectContaining({ name: "shop_kept", subject: "orders.new", queue_group: "" }),
    {
      name: "shop_price",
      subject: "shop.price",
      queue_group: "shop.shop.price",
      metadata: {
        handler: "shop/price",
        kind: "request",
        file: "handlers/shop/price.ts",
        version: expect.any(String),
        state: "serving",
        description: "Tells the price",
      },
    },
  ]);
  for (const asked of [client().ping(), client().ping("shop"), client().ping("shop", service.id)])
    expect(await all(asked)).toMatchObject([{ type: "io.nats.micro.v1.ping_response", id: service.id }]);
  expect(await all(client().ping("shop", "nobody")).catch(() => [])).toEqual([]);
});

it("its numbers are right after known traffic, whole and in nanoseconds", async () => {
  await stage.start({ handlers: HANDLERS, config: CONFIG });
  for (let at = 0; at < 20; at++) await stage.client.ask("shop.price", { order: at });
  for (let at = 0; at < 3; at++) await stage.client.ask("shop.price", { order: "broken" });
  const stats = async (): Promise<ServiceStats> => (await all(client().stats("shop")))[0]!;
  const numbers = (service: ServiceStats) =>
    Object.fromEntries((service.endpoints ?? []).map((endpoint) => [endpoint.name, endpoint]));
  let service = await stats();
  while (numbers(service).shop_heard?.num_requests !== 23) service = await stats();
  const { shop_price, shop_heard, shop_kept } = numbers(service);
  expect(shop_price).toMatchObject({
    num_requests: 23,
    num_errors: 3,
    last_error: expect.stringMatching(/^500:.*it broke/),
  });
  expect(shop_heard).toMatchObject({ num_requests: 23, num_errors: 0, last_error: "" });
  expect(shop_kept).toMatchObject({ num_requests: 0, processing_time: 0, average_processing_time: 0 });
  const { processing_time = 0, average_processing_time } = shop_price ?? {};
  expect(processing_time).toBeGreaterThan(0);
  expect(Number.isInteger(processing_time)).toBe(true);
  expect(average_processing_time).toBe(Math.floor(processing_time / 23));
  expect(new Date(service.started).toISOString()).toBe(service.started);
});

it("a handler that is turned off disappears, and is there again when it is turned on", async () => {
  const app = await stage.start({ handlers: HANDLERS, config: CONFIG });
  const off = HANDLERS["shop/price.ts"].replace('kind: "request"', 'kind: "request", disabled: true');
  await app.after(() => app.project.write("shop/price.ts", off), "handler.disabled", { handler: "shop/price" });
  let service = await info();
  while (endpointNames(service).includes("shop_price")) service = await info();
  expect(endpointNames(service)).toEqual(["shop_heard", "shop_kept"]);
  await app.after(() => app.project.write("shop/price.ts", HANDLERS["shop/price.ts"]), "handler.serving", {
    handler: "shop/price",
  });
  expect(endpointNames(await info())).toContain("shop_price");
});

it("replicas answer each for themselves, and one that has drained no longer does", async () => {
  const first = await stage.start({ handlers: HANDLERS, config: CONFIG });
  await stage.start({ project: first.project, config: CONFIG, mode: "start" });
  const ids = async () => (await all(client().ping("shop"))).map(({ id }) => id);
  expect(new Set(await ids()).size).toBe(2);
  await first.close();
  expect(await ids()).toHaveLength(1);
});
