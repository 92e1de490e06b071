// A NATS cluster while some of its servers are gone: it is being restarted, or has lost them.

import { jetstream } from "@nats-io/jetstream";
import { afterEach, beforeEach, expect, it } from "vitest";
import { connectClient, type TestClient } from "../support/client.ts";
import { addStream, type Cluster, startCluster } from "../support/nats-cluster.ts";
import { useStage } from "../support/runtime.ts";

const stage = useStage();
let servers: Cluster;

beforeEach(async () => {
  servers = await startCluster();
});
afterEach(async () => {
  await Promise.all(servers.map((server) => server.stop()));
});

const handler = (subject: string, version: number) =>
  `export const metadata = { subject: "${subject}", kind: "durable" };
export default (order, ctx) => ctx.publish("handled", order.id + " by ${version}");
`;

/** Until the stream confirms it: right after an election what is merely sent may be lost. */
async function store({ connection }: TestClient, subject: string, value: { readonly id: number }): Promise<void> {
  const options = { msgID: String(value.id), timeout: 2_000 };
  const isStored = () =>
    jetstream(connection)
      .publish(subject, JSON.stringify(value), options)
      .then(
        () => true,
        () => false,
      );
  await expect.poll(isStored, { timeout: 60_000 }).toBe(true);
}

it("a save that finds no leader leaves the old version serving, and serves by itself when there is one again", async () => {
  const [{ url }, ...others] = servers;
  const app = await stage.start({
    config: { nats: { servers: url } },
    handlers: { "order.js": handler("shop.order", 1) },
  });
  const client = await connectClient(url);
  const handled = await client.collect("handled");
  await Promise.all(others.map((server) => server.kill()));
  const from = app.mark();
  app.project.write("order.js", handler("shop.paid", 2));
  const failed = await app.next("handler.failed", { handler: "order" }, from);
  expect(failed.error.code).toBe("NATS_UNREACHABLE");
  expect(failed.serving).toBeDefined();

  await Promise.all(others.map((server) => server.restart()));
  await app.next("handler.serving", { handler: "order" }, from);
  await store(client, "shop.paid", { id: 7 });
  expect(await handled.until(1)).toEqual(["7 by 2"]);
  expect(app.told("handler.failed", from)).toHaveLength(1);
  await client.connection.close();
  await app.close();
});

it("a save whose stream is on a server that is away serves by itself when that server is back", async () => {
  const [{ url }, two] = servers;
  const client = await connectClient(url);
  await addStream(client.connection, {
    name: "SHOP",
    subjects: ["shop.>"],
    placement: { cluster: "test", tags: ["two"] },
  });
  const app = await stage.start({
    config: { nats: { servers: url } },
    handlers: { "order.js": handler("shop.order", 1) },
  });
  const handled = await client.collect("handled");
  await two.kill();
  const from = app.mark();
  app.project.write("order.js", handler("shop.paid", 2));
  const failed = await app.next("handler.failed", { handler: "order" }, from);
  expect(failed.error.code).toBe("NATS_UNREACHABLE");

  await two.restart();
  await app.next("handler.serving", { handler: "order" }, from);
  await store(client, "shop.paid", { id: 7 });
  expect(await handled.until(1)).toEqual(["7 by 2"]);
  await client.connection.close();
  await app.close();
});
