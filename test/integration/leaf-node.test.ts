// A runtime on a leaf node that takes from the hub: another JetStream, named by its domain, for one handler or for the app.

import { jetstreamManager } from "@nats-io/jetstream";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from "vitest";
import { runCli, startCli } from "../support/cli-process.ts";
import { connectClient, type TestClient } from "../support/client.ts";
import { freePort } from "../support/free-port.ts";
import { startTestServer, type TestServer } from "../support/nats-server.ts";
import { createProject, type TestProject } from "../support/project.ts";

const SAVE = `export const metadata = {
  subject: "orders.new", kind: "durable", stream: "ORDERS", domain: "hub", retry: { attempts: 1 },
};
export default (order, ctx) => { if (order.bad) throw new Error("bad order"); return ctx.publish("handled", order.id); };
`;

let hub: TestServer;
let leaf: TestServer;
let atHub: TestClient;
let atLeaf: TestClient;
let project: TestProject;
beforeAll(async () => {
  const port = await freePort();
  hub = await startTestServer({
    config: `server_name: hub\njetstream { domain: hub }\nleafnodes { listen: "127.0.0.1:${port}" }`,
  });
  leaf = await startTestServer({
    config: `server_name: leaf\njetstream { domain: leaf }\nleafnodes { remotes [{ url: "nats://127.0.0.1:${port}" }] }`,
  });
  atHub = await connectClient(hub.url);
  atLeaf = await connectClient(leaf.url);
});
beforeEach(async () => {
  // Also: the leaf has reached the hub.
  const there = await jetstreamManager(atLeaf.connection, { domain: "hub", checkAPI: false, timeout: 1_000 });
  await vi.waitFor(() => there.streams.add({ name: "ORDERS", subjects: ["orders.>"] }), { timeout: 20_000 });
  project = createProject({ "save.js": SAVE });
});
afterEach(async () => {
  await (await jetstreamManager(atHub.connection)).streams.delete("ORDERS");
  project.end();
});
afterAll(async () => {
  await Promise.all([atHub, atLeaf].map(({ connection }) => connection.close()));
  await Promise.all([leaf, hub].map((server) => server.stop()));
});

/** Started, it has handled the hub's first message, and kept the second as a letter. */
async function served(options: { readonly cwd: string; readonly env: Record<string, string> }) {
  const replica = startCli(["start"], options);
  await replica.printed(/"msg":"ready: /);
  const handled = await atLeaf.collect<number>("handled");
  await atHub.connection.request("orders.new", JSON.stringify({ id: 1 }));
  expect(await handled.until(1)).toEqual([1]);

  await atHub.connection.request("orders.new", JSON.stringify({ bad: true }));
  await replica.printed(/a failed message of handler .*save.* is kept/);
  expect((await runCli(["dlq", "show", "1"], options)).stdout).toMatch(/bad order[\s\S]*stream ORDERS, 2/);
  return { replica, handled };
}

it("gets the hub's messages; what fails is a letter; while it is off its messages are counted", async () => {
  const options = { cwd: project.rootDir, env: { NATS_URL: leaf.url } };
  const { replica, handled } = await served(options);

  expect((await runCli(["disable", "save"], options)).stdout).toMatch(/until it is enabled: 0 so far/);
  await atHub.connection.request("orders.new", JSON.stringify({ id: 3 }));
  const status = await runCli(["status", "--json"], options);
  expect(JSON.parse(status.stdout)).toMatchObject({ handlers: [{ state: "disabled", pending: 1 }] });
  expect(await runCli(["enable", "save"], options)).toMatchObject({
    code: 0,
    stdout: expect.stringContaining("1 message waited in the stream"),
  });
  expect(await handled.until(2)).toEqual([1, 3]);
  const { messages } = (await (await jetstreamManager(atHub.connection)).streams.info("ORDERS")).state;
  expect(messages).toBe(3);
  replica.child.kill("SIGTERM");
  await replica.ended;
});

const OF_APP = `export const metadata = { subject: "orders.new", kind: "durable", retry: { attempts: 1 } };
export default (order, ctx) => { if (order.bad) throw new Error("bad order"); return ctx.publish("handled", order.id); };
`;

it("an app that names the hub's domain has its streams, letters and bucket there, and nothing on the leaf", async () => {
  const app = createProject({ "save.js": OF_APP });
  const options = { cwd: app.rootDir, env: { NATS_URL: leaf.url, NATS_JS_DOMAIN: "hub", HANDLERS_APP: "fields" } };
  const { replica, handled } = await served(options);

  expect(await runCli(["disable", "save", "--reason", "looking"], options)).toMatchObject({ code: 0 });
  await atHub.connection.request("orders.new", JSON.stringify({ id: 3 }));
  const status = await runCli(["status", "--json"], options);
  expect(JSON.parse(status.stdout)).toMatchObject({ handlers: [{ state: "disabled", pending: 1 }] });
  expect(await runCli(["enable", "save"], options)).toMatchObject({ code: 0 });
  expect(await handled.until(2)).toEqual([1, 3]);
  expect(await runCli(["send", "orders.new", '{"id":4}', "--delay", "1s"], options)).toMatchObject({ code: 0 });
  expect(await handled.until(3)).toEqual([1, 3, 4]);
  replica.child.kill("SIGTERM");
  await replica.ended;
  app.end();

  const namesOf = async ({ connection }: TestClient) => {
    const names: string[] = [];
    for await (const name of (await jetstreamManager(connection)).streams.names()) names.push(name);
    return names;
  };
  expect(await namesOf(atHub)).toEqual(expect.arrayContaining(["DLQ_fields", "KV_fields_handlers", "ORDERS"]));
  expect((await namesOf(atLeaf)).filter((name) => name.includes("fields"))).toEqual([]);
});
