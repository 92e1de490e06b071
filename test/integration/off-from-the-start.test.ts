// A durable handler that is off from its first deployment, on a stream that keeps only what somebody waits for: what is
// published until it is turned on has to wait all the same.

import { type JetStreamManager, jetstreamManager, RetentionPolicy } from "@nats-io/jetstream";
import { beforeEach, expect, it } from "vitest";
import { runCli } from "../support/cli-process.ts";
import { removeStreams } from "../support/remove-streams.ts";
import { useStage } from "../support/runtime.ts";

const stage = useStage();
let jsm: JetStreamManager;
beforeEach(async () => {
  jsm = await jetstreamManager(stage.client.connection);
  await removeStreams(jsm);
  await jsm.streams.add({ name: "T", subjects: ["t.>"], retention: RetentionPolicy.Interest });
});

const SAVED = `export default async ({ n }, ctx) => { await ctx.publish("saved", { n }); };`;
const OFF = `export const metadata = { subject: "t.a", kind: "durable", disabled: true };\n${SAVED}`;
/** Its own file does not say what kind it is. */
const SHARED = `import { kind } from "./_kinds.js";\nexport const metadata = { subject: "t.a", kind };\n${SAVED}`;
const KINDS = `export const kind = "durable";`;

const durables = async () => (await jsm.streams.info("T")).state.consumer_count;

async function store(count: number): Promise<void> {
  for (let n = 0; n < count; n++) await stage.client.connection.request("t.a", JSON.stringify({ n }));
}

it("by its metadata: it has them all when a save turns it on", async () => {
  const saved = await stage.client.collect<{ n: number }>("saved");
  const app = await stage.start({ handlers: { "save.js": OFF } });
  await expect.poll(durables).toBe(1);
  await store(5);
  app.project.write("save.js", OFF.replace(", disabled: true", ""));
  expect((await saved.until(5)).map(({ n }) => n).sort()).toEqual([0, 1, 2, 3, 4]);
});

it("by the environment, with its kind in another module: it has them all when the next runtime has it on", async () => {
  const saved = await stage.client.collect<{ n: number }>("saved");
  const handlers = { "save.js": SHARED, "_kinds.js": KINDS };
  const app = await stage.start({ handlers, config: { disabled: ["save"] } });
  await expect.poll(durables).toBe(1);
  await store(5);
  await app.close();
  await stage.start({ project: app.project });
  expect((await saved.until(5)).map(({ n }) => n).sort()).toEqual([0, 1, 2, 3, 4]);
});

it("by an operator, before any runtime had it: it has them all once it is enabled", async () => {
  const saved = await stage.client.collect<{ n: number }>("saved");
  const app = await stage.start({ handlers: {} });
  const cli = (...args: string[]) => runCli(args, { cwd: app.project.rootDir, env: { NATS_URL: stage.server.url } });
  expect((await cli("disable", "save", "--force")).code).toBe(0);
  app.project.write("save.js", OFF.replace(", disabled: true", ""));
  await expect.poll(durables).toBe(1);
  await store(5);
  expect((await cli("enable", "save")).code).toBe(0);
  expect((await saved.until(5)).map(({ n }) => n).sort()).toEqual([0, 1, 2, 3, 4]);
});
