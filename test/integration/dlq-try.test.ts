// Dead letters through the handler of the working tree, before anything is sent again.

import { jetstreamManager } from "@nats-io/jetstream";
import { beforeEach, expect, it, vi } from "vitest";
import { DeadLetterBox } from "../../runtime/dead-letters/dead-letter-box.ts";
import { type CliResult, runCli } from "../support/cli-process.ts";
import { removeStreams } from "../support/remove-streams.ts";
import { type TestRuntime, useStage } from "../support/runtime.ts";

const stage = useStage();

const bill = (fails: string) => `
export const metadata = { subject: "orders.placed", kind: "durable", retry: { attempts: 1, backoff: ["10ms"] } };
export default async (order, ctx) => {
  if (${fails}) throw new Error(\`no rate for \${order.region}\`);
  await ctx.publish("billed", { id: order.id, ctx: ctx.id, shadow: ctx.shadow });
};
`;
const CONFIG = { app: "shop", streams: [{ name: "ORDERS", subjects: ["orders.placed"] }] };
const REGIONS = ["us", "gb", "eu", "gb", "us", "eu"];

let app: TestRuntime;
beforeEach(async () => {
  const jsm = await jetstreamManager(stage.client.connection);
  await removeStreams(jsm);
  app = await stage.start({ handlers: { "orders/bill.js": bill('order.region !== "us"') }, config: CONFIG });
  for (const [id, region] of REGIONS.entries()) stage.client.publish("orders.placed", { id, region });
  await letters(4);
});

const cli = (...args: string[]): Promise<CliResult> =>
  runCli([...args, "--app", "shop"], { cwd: app.project.rootDir, env: { NATS_URL: stage.server.url } });

async function letters(count: number) {
  const box = new DeadLetterBox(stage.client.connection, "shop");
  return vi.waitFor(async () => {
    const found = (await box.list()).toReversed();
    expect(found).toHaveLength(count);
    return found;
  });
}

it("says which would pass now, and why the others would not; nothing is sent, and the letters stay", async () => {
  const before = await letters(4);
  await app.close();
  app.project.write("orders/bill.js", bill('order.region === "gb"'));
  const heard = await stage.client.collect("billed");
  const { code, stdout, stderr } = await cli("dlq", "try", "--handler", "orders/bill");
  expect({ code, stderr }).toMatchObject({ code: 1 });
  expect(stdout).toMatch(
    /^✗ orders\/bill: 2 of 4 dead letters would pass now\n {2}\d+ +\S+ +threw +no rate for gb\n {2}\d+ +\S+ +threw +no rate for gb\n$/,
  );
  await stage.client.flush();
  expect(heard.values).toEqual([]);
  expect(await letters(4)).toEqual(before);
});

it("counts what the handler's `when` lets pass now among what would pass", async () => {
  await app.close();
  const choosy = bill('order.region === "gb"').replace("retry:", 'when: (order) => order.region !== "gb", retry:');
  app.project.write("orders/bill.js", choosy);
  const { code, stdout } = await cli("dlq", "try", "--handler", "orders/bill");
  expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining("4 of 4 dead letters would pass now") });
});

it("tries each by itself where the handler takes batches now", async () => {
  await app.close();
  const source = `
export const metadata = { subject: "orders.placed", kind: "durable", batch: { size: 100, wait: "1m" } };
export default (orders) => {
  if (orders.some(({ region }) => region === "gb")) throw new Error("no rate for one of them");
};`;
  app.project.write("orders/bill.js", source);
  const { code, stdout } = await cli("dlq", "try", "--handler", "orders/bill");
  expect({ code, stdout }).toEqual({ code: 1, stdout: expect.stringContaining("2 of 4 dead letters would pass now") });
});

it("--redrive sends just those that would pass, and the replicas run them", async () => {
  const heard = await stage.client.collect<{ id: number; shadow: boolean }>("billed");
  const all = await letters(4);
  await app.after(
    () => app.project.write("orders/bill.js", bill('order.region === "gb"')),
    "handler.serving",
    ({ handler }) => handler === "orders/bill",
  );
  const { code, stdout } = await cli("dlq", "try", "--handler", "orders/bill", "--redrive");
  expect({ code, stdout }).toEqual({ code: 1, stdout: expect.stringContaining("2 dead letters sent again") });
  expect((await heard.until(2)).map(({ id, shadow }) => [id, shadow]).sort()).toEqual([
    [2, false],
    [5, false],
  ]);
  const left = await letters(2);
  expect(left.map(({ id }) => id)).toEqual([all[0]!.id, all[2]!.id]);
});

it("ends with 0 when all would pass, and takes numbers of letters", async () => {
  await app.close();
  app.project.write("orders/bill.js", bill("false"));
  const [first] = await letters(4);
  const { code, stdout } = await cli("dlq", "try", String(first!.id), "--json");
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toEqual({
    tried: [{ handler: "orders/bill", letters: [{ id: first!.id, passes: true, outcome: "returned", error: "" }] }],
    redriven: 0,
  });
  expect(await cli("dlq", "try", "4711")).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("no dead letter 4711"),
  });
});
