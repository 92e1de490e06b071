// Messages of production as files, and what tests make of them.
// @module-tag any-server

import { rmSync } from "node:fs";
import { join } from "node:path";
import { jetstreamManager } from "@nats-io/jetstream";
import type { HandlerContext } from "nats-handlers";
import { readMessages, runHandler, startTestRuntime } from "nats-handlers/testing";
import { beforeEach, expect, it } from "vitest";
import { DeadLetterBox } from "../../runtime/dead-letters/dead-letter-box.ts";
import { runCli, startCli } from "../support/cli-process.ts";
import { removeStreams } from "../support/remove-streams.ts";
import { type TestRuntime, useStage } from "../support/runtime.ts";

const stage = useStage();

const FAILS = `
  export const metadata = { subject: "orders.*", kind: "durable", retry: { attempts: 1, backoff: "10ms" } };
  export default ({ id }, ctx) => { throw new Error("no rate for " + ctx.headers.get("region")); };`;
const MENDED = `
  export const metadata = { subject: "orders.*", kind: "durable" };
  export default ({ id }, ctx) => ctx.publish("billed", { id, subject: ctx.subject, region: ctx.headers.get("region") });`;

let app: TestRuntime;
let folder: string;
beforeEach(async () => {
  const jsm = await jetstreamManager(stage.client.connection);
  await removeStreams(jsm);
  await jsm.streams.add({ name: "ORDERS", subjects: ["orders.>"] });
  app = await stage.start({ handlers: { "bill.js": FAILS }, config: { app: "shop" } });
  folder = join(app.project.rootDir, "messages");
});

const options = () => ({ cwd: app.project.rootDir, env: { NATS_URL: stage.server.url } });
const cli = (...args: string[]) => runCli([...args, "--app", "shop"], options());

function publish(id: number): void {
  stage.client.publish("orders.eu", { id }, { region: ["eu"], "Nats-Msg-Id": [`order-${id}`] });
}

it("what is published from now on is written, until there are so many", async () => {
  const capturing = startCli(["capture", "orders.>", "--out", "messages", "-n", "2", "--app", "shop"], options());
  await capturing.printed(/waiting for 2 messages to orders\.>/);
  for (const id of [1, 2, 3]) publish(id);
  expect(await capturing.ended).toMatchObject({ code: 0, stdout: `2 messages written to ${folder}\n` });
  expect(readMessages(folder)).toMatchObject([
    { file: "orders.eu-0001.json", subject: "orders.eu", headers: { region: ["eu"] } },
    { file: "orders.eu-0002.json" },
  ]);
  expect(Object.keys(readMessages(folder)[0]!.headers)).toEqual(["region"]);
});

it("what was caught until Ctrl-C is there", async () => {
  const capturing = startCli(["capture", "orders.>", "--out", "messages", "--app", "shop"], options());
  await capturing.printed(/waiting/);
  publish(1);
  await expect
    .poll(() => {
      try {
        return readMessages(folder).length;
      } catch {
        return 0;
      }
    })
    .toBe(1);
  capturing.child.kill("SIGINT");
  expect(await capturing.ended).toMatchObject({ code: 130, stdout: `1 message written to ${folder}\n` });
});

it("what is stored is written without waiting for more, and what is refused says why", async () => {
  for (const id of [1, 2, 3]) publish(id);
  await expect
    .poll(async () => (await cli("capture", "orders.*", "--from", "1h", "--out", "messages")).stdout)
    .toBe(`3 messages written to ${folder}\n`);
  expect(readMessages(folder).slice(-1)).toMatchObject([{ payload: Buffer.from('{"id":3}') }]);
  expect(await cli("capture", "elsewhere", "--from", "1h", "--out", "messages")).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('no stream takes "elsewhere"'),
  });
  expect(await cli("capture", "a..b", "--out", "messages")).toMatchObject({ code: 2 });
});

it("dead letters are written with their reason, stay, and run in both test helpers", async () => {
  for (const id of [1, 2]) publish(id);
  const box = new DeadLetterBox(stage.client.connection, "shop");
  await expect.poll(async () => (await box.list()).length).toBe(2);
  expect(await cli("dlq", "export", "--handler", "bill", "--out", "messages")).toMatchObject({ code: 0 });
  expect(await box.list()).toHaveLength(2);
  expect(await cli("dlq", "export", "4711", "--out", "messages")).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("dead letter 4711 is not there"),
  });
  const messages = readMessages(folder);
  expect(messages).toMatchObject([{ subject: "orders.eu", headers: { region: ["eu"] } }, { subject: "orders.eu" }]);

  const mended = {
    metadata: { subject: "orders.*", kind: "durable" },
    default: ({ id }: { id: number }, ctx: HandlerContext) =>
      ctx.publish("billed", { id, region: ctx.headers.get("region") }),
  };
  const { published } = await runHandler(mended, messages[0]!.payload, messages[0]!);
  expect(published).toMatchObject([{ subject: "billed", data: { id: 1, region: "eu" } }]);

  app.project.write("bill.js", MENDED);
  await using runtime = await startTestRuntime({ root: app.project.rootDir });
  for (const message of messages) await runtime.publish(message.subject, message.payload, message);
  await runtime.idle();
  const billed = runtime.published("billed").map(({ data }) => data);
  expect(billed).toEqual([1, 2].map((id) => ({ id, subject: "orders.eu", region: "eu" })));
  rmSync(folder, { recursive: true });
});
