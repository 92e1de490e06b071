// A NATS cluster while some of its servers are gone: it is being restarted, or has lost them.

import { jetstreamManager, type StreamAPI } from "@nats-io/jetstream";
import { afterEach, beforeEach, expect, it } from "vitest";
import { connectClient, type TestClient } from "../support/client.ts";
import { freePort } from "../support/free-port.ts";
import { startTestServer, type TestServer } from "../support/nats-server.ts";
import { useStage } from "../support/runtime.ts";

const stage = useStage();
let servers: TestServer[] = [];
let routes: number[];

async function join(name: string, at: number): Promise<void> {
  const others = routes.map((port) => `"nats://127.0.0.1:${port}"`);
  servers[at] = await startTestServer({
    config: `server_name: ${name}, server_tags: [${name}]
      cluster { name: test, listen: "127.0.0.1:${routes[at]}", no_advertise: true, routes: [${others.join(", ")}] }`,
  });
}

beforeEach(async () => {
  routes = [await freePort(), await freePort(), await freePort()];
  await Promise.all(["one", "two", "three"].map(join));
  const client = await connectClient(servers[0]!.url);
  await addStream(client, { name: "READY", subjects: ["ready"] });
  await client.connection.close();
});
afterEach(async () => {
  await Promise.all(servers.map((server) => server.stop()));
  servers = [];
});

/** A cluster that has just begun has no leader to ask, or one that does not know the other servers yet. */
async function addStream({ connection }: TestClient, config: Parameters<StreamAPI["add"]>[0]): Promise<void> {
  const jsm = await jetstreamManager(connection, { checkAPI: false, timeout: 1_000 });
  await expect.poll(() => jsm.streams.add(config).then(() => "added", String), { timeout: 40_000 }).toBe("added");
}

const handler = (subject: string, version: number) =>
  `export const metadata = { subject: "${subject}", kind: "durable" };
export default (order, ctx) => ctx.publish("handled", order.id + " by ${version}");
`;

it("a save that finds no leader leaves the old version serving, and serves by itself when there is one again", async () => {
  const [{ url }, ...others] = servers as [TestServer, ...TestServer[]];
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
  client.publish("shop.paid", { id: 7 });
  expect(await handled.until(1)).toEqual(["7 by 2"]);
  expect(app.told("handler.failed", from)).toHaveLength(1);
  await client.connection.close();
  await app.close();
});

it("a save whose stream is on a server that is away serves by itself when that server is back", async () => {
  const [{ url }, two] = servers as [TestServer, TestServer];
  const client = await connectClient(url);
  await addStream(client, { name: "SHOP", subjects: ["shop.>"], placement: { cluster: "test", tags: ["two"] } });
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
  client.publish("shop.paid", { id: 7 });
  expect(await handled.until(1)).toEqual(["7 by 2"]);
  await client.connection.close();
  await app.close();
});
