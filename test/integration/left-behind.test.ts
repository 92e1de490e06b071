// What a renamed app leaves on a work queue, requests that a stream captures, and what `disable` says of messages.

import { jetstreamManager } from "@nats-io/jetstream";
import { beforeEach, expect, it } from "vitest";
import { runCli } from "../support/cli-process.ts";
import { removeStreams } from "../support/remove-streams.ts";
import { shown, type TestRuntime, useStage } from "../support/runtime.ts";

const stage = useStage();
const SAVE = 'export const metadata = { subject: "jobs.new", kind: "durable" }; export default () => {};';
const PRICE = 'export const metadata = { subject: "jobs.price", kind: "request" }; export default () => 1;';
const THRESHOLD_NS = 600e9;

beforeEach(async () => {
  const jsm = await jetstreamManager(stage.client.connection);
  await removeStreams(jsm);
});

const addStream = async (retention: "workqueue" | "interest" | "limits") => {
  const jsm = await jetstreamManager(stage.client.connection);
  await jsm.streams.add({ name: "JOBS", subjects: ["jobs.>"], retention });
  return jsm;
};
const cli = ({ project }: TestRuntime, ...args: string[]) =>
  runCli(args, { cwd: project.rootDir, env: { NATS_URL: stage.server.url } });

it("what an app left on a work queue under an earlier name is named, pruned, and then the new one serves by itself", async () => {
  await addStream("workqueue");
  const before = await stage.start({ handlers: { "save.js": SAVE }, config: { app: "store" } });
  await before.close();
  const app = await stage.start({ handlers: { "save.js": SAVE } });
  const failed = await app.next("handler.failed", { handler: "save" }, 0);
  expect(shown(failed)).toMatch(
    /Durable "store-save.*" of handler "save" of app "store" takes "jobs\.new".*`handlers prune --former-app store`/,
  );
  const told = await cli(app, "prune", "--former-app", "store");
  expect(told).toMatchObject({ code: 1, stdout: expect.stringMatching(/save +0 +jobs\.new +JOBS +store-save/) });
  const from = app.mark();
  expect((await cli(app, "prune", "--former-app", "store", "--yes")).code).toBe(0);
  await app.next("handler.serving", { handler: "save" }, from);
});

it("the file of a handler on a work queue is renamed: what waits for it is for the new one, once the old durable is pruned", async () => {
  const jsm = await addStream("workqueue");
  const before = await stage.start({ handlers: { "save.js": SAVE } });
  await before.close();
  for (const id of [1, 2, 3]) await stage.client.ask("jobs.new", { id });
  const saved = await stage.client.collect<number>("saved");
  const text = SAVE.replace("() => {}", '(job, ctx) => ctx.publish("saved", job.id)');
  const app = await stage.start({ handlers: { "store.js": text } });
  const failed = await app.next("handler.failed", { handler: "store" }, 0);
  expect(shown(failed)).toMatch(
    /Durable "shop-save.*" of handler "save" of app "shop" takes "jobs\.new".* If its handler is gone: `handlers prune`/,
  );
  expect(await cli(app, "prune")).toMatchObject({ code: 1, stdout: expect.stringMatching(/save +3 +jobs\.new +JOBS/) });
  const from = app.mark();
  expect((await cli(app, "prune", "--yes")).code).toBe(0);
  await app.next("handler.serving", { handler: "store" }, from);
  expect([...(await saved.until(3))].sort()).toEqual([1, 2, 3]);
  await expect.poll(async () => (await jsm.streams.info("JOBS")).state.messages).toBe(0);
});

it("a former name under which something still runs has nothing to prune", async () => {
  await addStream("limits");
  const other = await stage.start({ handlers: { "save.js": SAVE }, config: { app: "store" } });
  expect(await cli(other, "prune", "--former-app", "store")).toMatchObject({ code: 0 });
  await other.close();
});

it("a request handler whose subject a stream takes is warned of when it is bound", async () => {
  await addStream("limits");
  const app = await stage.start({ handlers: { "price.js": PRICE } });
  const { warning } = await app.next("handler.warned", { handler: "price" }, 0);
  expect(warning.message).toMatch(/stream "JOBS" takes "jobs\.price" of request handler "price" too/);
});

it("and by `check`, where the stream is declared", async () => {
  const app = await stage.start({ handlers: { "price.js": PRICE } });
  app.project.write("../handlers.config.js", 'export default { streams: [{ name: "JOBS", subjects: ["jobs.*"] }] };');
  const { stdout, code } = await cli(app, "check");
  expect(stdout).toMatch(/! price +SUBJECT_CONFLICT: stream "JOBS" takes "jobs\.price"/);
  expect(code).toBe(0);
});

it("`disable` promises no more than the stream keeps", async () => {
  const jsm = await addStream("interest");
  const app = await stage.start({ handlers: { "save.js": SAVE } });
  for await (const { name } of jsm.consumers.list("JOBS")) {
    await jsm.consumers.update("JOBS", name, { inactive_threshold: THRESHOLD_NS });
  }
  const passing = await cli(app, "disable", "save");
  expect(passing.stdout).toMatch(
    /wait in the stream until it is enabled: 0 so far\. But .* no replica running for 10m/,
  );
  expect(passing.stdout).toMatch(/what waits is lost then/);
  await jsm.streams.delete("JOBS");
  expect((await cli(app, "disable", "save")).stdout).toMatch(/no stream takes "jobs\.new"/);
});
