// `handlers trace SUBJECT`: who would get a message now, as the server says, by our names.

import { jetstreamManager } from "@nats-io/jetstream";
import { beforeEach, expect, it } from "vitest";
import { knowsTracing } from "../../runtime/operate/message-trace.ts";
import { durableNameOf } from "../../runtime/streams/durable-name.ts";
import { type CliResult, runCli } from "../support/cli-process.ts";
import { removeStreams } from "../support/remove-streams.ts";
import { type TestRuntime, useStage } from "../support/runtime.ts";

const stage = useStage();

const handler = (metadata: string) => `export const metadata = { ${metadata} }; export default () => {};`;
const HANDLERS = {
  "orders/bill.js": handler('subject: "orders.*.placed", kind: "durable"'),
  "orders/watch.js": handler('subject: "orders.>"'),
  "cache.js": handler('subject: "orders.eu.placed", replicas: "each"'),
  "price.js": handler('subject: "price", kind: "request"'),
};

let app: TestRuntime;
beforeEach(async () => {
  const jsm = await jetstreamManager(stage.client.connection);
  await removeStreams(jsm);
  await jsm.streams.add({ name: "ORDERS", subjects: ["orders.>"] });
  await jsm.consumers.add("ORDERS", { durable_name: "theirs", filter_subject: "orders.eu.>" });
  await jsm.consumers.add("ORDERS", { durable_name: "elsewhere", filter_subject: "orders.us.>" });
  app = await stage.start({ handlers: HANDLERS, config: { app: "shop" } });
});

const cli = (...args: string[]): Promise<CliResult> =>
  runCli([...args, "--app", "shop"], { cwd: app.project.rootDir, env: { NATS_URL: stage.server.url } });
const traces = () => knowsTracing(stage.client.connection.info!.version);
const stored = async () =>
  (await (await jetstreamManager(stage.client.connection)).streams.info("ORDERS")).state.messages;

it("names handlers, queue groups, clients and consumers, where the server can tell; nobody gets anything", async ({
  skip,
}) => {
  if (!traces()) skip("before 2.11");
  const heard = await stage.client.collect("orders.eu.placed");
  await stage.client.flush();
  const { code, stdout } = await cli("trace", "orders.eu.placed");
  expect(code).toBe(0);
  const bill = durableNameOf("shop", "orders/bill", "orders.*.placed");
  expect(stdout.trimEnd().split("\n").sort()).toEqual([
    `  orders/bill · consumer ${bill}, orders.*.placed`,
    "  theirs · consumer, orders.eu.>",
    "a client without a name · subscription, orders.eu.placed",
    expect.stringMatching(/^cache · subscription shop\/\S+, orders\.eu\.placed$/),
    "orders/watch · queue group shop.orders.watch, orders.>",
    "stream ORDERS stores it",
  ]);
  await stage.client.flush();
  expect(heard.values).toEqual([]);
  expect(await stored()).toBe(0);
});

it("says who waits as it is disabled, and ends with 4 when nobody would get it", async ({ skip }) => {
  if (!traces()) skip("before 2.11");
  await cli("disable", "orders/bill", "price");
  const { stdout } = await cli("trace", "orders.us.placed", "--json");
  const { listeners, streams } = JSON.parse(stdout);
  expect(listeners).toMatchObject([{ handler: "orders/watch", app: "shop", via: "queue group" }]);
  expect(streams).toMatchObject([
    { stream: "ORDERS", takers: [{ name: "elsewhere" }, { handler: "orders/bill", app: "shop", isOff: true }] },
  ]);
  expect(await cli("trace", "price")).toMatchObject({
    code: 4,
    stdout: "",
    stderr: 'nobody would get a message to "price" now\n',
  });
  await cli("enable", "price");
  expect((await cli("trace", "price")).stdout).toBe("price · queue group shop.price, price\n");
  expect(await cli("trace", "orders.*")).toMatchObject({ code: 2 });
});

it("is refused where the server would deliver it, which it does not", async ({ skip }) => {
  if (traces()) skip("2.11 and later");
  expect(await cli("trace", "orders.eu.placed")).toMatchObject({
    code: 3,
    stderr: expect.stringMatching(
      /nats-server 2\.\S+ cannot trace a message: it would deliver it[\s\S]*2\.11 or later/,
    ),
  });
  expect(await stored()).toBe(0);
});
