// What the log is told: to which trace a line belongs, and no password, wherever it came from.
// @module-tag any-server

import { writeFileSync } from "node:fs";
import { expect, it } from "vitest";
import { type CliProcess, startCli } from "../support/cli-process.ts";
import { connectClient } from "../support/client.ts";
import { startTestServer } from "../support/nats-server.ts";
import { createProject } from "../support/project.ts";
import { useStage } from "../support/runtime.ts";

const stage = useStage();
const USERS =
  "authorization { users: [{ user: app, password: s3cret }, { user: guest, password: guest }] }, no_auth_user: guest";

it("a line of a handler carries the trace of the message it was written for", async () => {
  const handlers = {
    "a.ts": 'export const metadata = { subject: "a" };\nexport default (_, ctx) => ctx.log.info("seen");',
  };
  const app = await stage.start({ handlers });
  const traceId = "0af7651916cd43dd8448eb211c80319c";
  const traced = () => stage.client.publish("a", 1, { traceparent: [`00-${traceId}-b7ad6b7169203331-01`] });
  expect(await app.after(traced, "handler.log")).toMatchObject({ message: "seen", traceId });
  const plain = await app.after(() => stage.client.publish("a", 1), "handler.log");
  expect(plain.traceId).toBeUndefined();
  const bent = () => stage.client.publish("a", 1, { traceparent: ["00-nonsense"] });
  expect((await app.after(bent, "handler.log")).traceId).toBeUndefined();
});

it("a handler can be louder than the others: as the environment says, and while `dev` runs as the file says", async () => {
  const text = (name: string) => `export const metadata = { subject: "say" };
    export default (_, ctx) => (ctx.log.debug("low ${name}"), ctx.log.warn("high ${name}"));`;
  const project = createProject({ "shop/a.js": text("a"), "b.js": text("b") });
  const said = async (app: CliProcess) => {
    stage.client.publish("say");
    await Promise.all([app.printed(/high b/), app.printed(/high a/)]);
    app.child.kill("SIGTERM");
    const { stdout } = await app.ended;
    return stdout.match(/(low|high) [ab]/g)?.sort();
  };
  const env = { NATS_URL: stage.server.url };
  const start = startCli(["start"], { cwd: project.rootDir, env: { ...env, HANDLERS_LOG_LEVEL: "info,shop/*=debug" } });
  await start.printed(/"event":"runtime.ready"/);
  expect(await said(start)).toEqual(["high a", "high b", "low a"]);

  const dev = startCli(["dev"], { cwd: project.rootDir, env });
  await dev.printed(/2 handlers serving/);
  const config = 'export default { logLevels: { b: "debug" } };';
  writeFileSync(`${project.rootDir}/handlers.config.mjs`, config);
  await dev.printed(/the log level has changed/);
  expect(await said(dev)).toEqual(["high a", "high b", "low b"]);
  project.end();
});

it("no event holds a password of a URL: not ours, and not one that a handler logs, prints or throws", async () => {
  const handlers = {
    "leaks.ts": `
      const url = "postgres://shop:hunter2@db/shop";
      export const metadata = { subject: "leaks", kind: "request" };
      export default (_, ctx) => {
        ctx.log.error({ url, nested: [{ url }] }, "cannot reach " + url);
        console.log(url);
        throw new Error("cannot reach " + url);
      };`,
    "dies.ts": `throw new Error("no postgres://shop:hunter2@db/shop");`,
  };
  const server = await startTestServer({ config: USERS });
  const guest = await connectClient(server.url);
  const servers = server.url.replace("nats://", "nats://app:s3cret@");
  const app = await stage.start({ handlers, config: { nats: { servers } } });
  await guest.ask("leaks");
  await app.next("handler.output", {}, 0);
  await guest.connection.close();
  await app.after(() => server.restart(), "nats.reconnected");
  await app.close();
  await server.stop();
  const texts = app.events.map((event) => {
    const { error } = event as { error?: Error };
    return JSON.stringify(event) + (error === undefined ? "" : `${error.message}\n${error.stack}`);
  });
  expect(app.told("handler.log")).toMatchObject([{ message: "cannot reach postgres://***@db/shop" }]);
  // It is tried again a second later, which may be before the end.
  expect(new Set(app.told("handler.failed").map(({ handler }) => handler))).toEqual(new Set(["dies"]));
  expect(texts.filter((text) => /s3cret|hunter2/.test(text))).toEqual([]);
});
