// docs/moving-in.md, run as it stands: a Nest controller and a consumer by hand, and the handlers that take their places; of BullMQ,
// whose workers need Redis, the handlers alone.
// @module-tag any-server

import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { AckPolicy, DeliverPolicy, jetstreamManager } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { Controller, Module } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { MessagePattern } from "@nestjs/microservices";
import { transform } from "esbuild";
import { afterEach, beforeEach, expect, it } from "vitest";
import { containerText } from "../../runtime/moving/handler-source.ts";
import { durableNameOf } from "../../runtime/streams/durable-name.ts";
import { type Client, createClient } from "../../sdk/client.ts";
import { type NestApp, type NestCaller, nestCaller, startNestApp, startNestController } from "../support/nest-app.ts";
import { createNestProject } from "../support/nest-project.ts";
import { createProject, type TestProject } from "../support/project.ts";
import { useStage } from "../support/runtime.ts";

const stage = useStage();
const fromRoot = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const PAGE = readFileSync(fromRoot("docs/moving-in.md"), "utf8");
const PACKAGES = ["@nestjs", "@nats-io"];

let project: TestProject;
const cleanups: (() => unknown)[] = [];

beforeEach(() => {
  project = createProject();
  project.installZod();
  for (const name of PACKAGES) {
    symlinkSync(fromRoot(`node_modules/${name}`), join(project.rootDir, "node_modules", name));
  }
});

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  project.end();
});

/** The block of the page that says at its top that it is this file. */
function snippet(file: string): string {
  const [, text] = PAGE.split(`\`\`\`ts\n// ${file}\n`);
  if (text === undefined) throw new Error(`docs/moving-in.md has no ${file}`);
  return text.slice(0, text.indexOf("\n```"));
}

function write(file: string, text: string): string {
  const path = join(project.rootDir, file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
}

/** A snippet as a module of the project, compiled as Nest's own tools would. */
async function load<T>(file: string): Promise<T> {
  const compilerOptions = { experimentalDecorators: true, useDefineForClassFields: false };
  const { code } = await transform(snippet(file), { loader: "ts", tsconfigRaw: { compilerOptions } });
  return (await import(/* @vite-ignore */ write(file.replace(/ts$/, "mjs"), code))) as T;
}

function drainedAtEnd(app: NestApp): NestApp {
  cleanups.push(() => app.drain());
  return app;
}

async function callsOf(caller: NestCaller): Promise<unknown[]> {
  const lines = [
    { price: 3, count: 2 },
    { price: 4, count: 1 },
  ];
  return [
    await caller.send("orders.total", { lines }),
    await caller.send("orders.total", { lines: [] }).catch((error: unknown) => ({ thrown: error })),
  ];
}

const ANSWERS = [{ total: 10 }, { thrown: { code: "EMPTY" } }];

it("the Nest controller and the handlers of the page answer and hear the same", async () => {
  write("src/shop.js", 'export const sent = []; export const stock = { placeOf: async (id) => "shelf of " + id };');
  const { OrdersController } = await load<{ OrdersController: new () => unknown }>("src/orders.controller.ts");
  const { sent } = (await import(/* @vite-ignore */ join(project.rootDir, "src/shop.js"))) as { sent: unknown[] };
  const nest = await startNestController(stage.server.url, OrdersController);
  const caller = await nestCaller(stage.server.url);
  cleanups.push(() => caller.close());
  expect(await callsOf(caller)).toEqual(ANSWERS);
  await caller.emit("orders.packed", { id: "a" });
  await expect.poll(() => sent).toEqual([{ id: "a", from: "shelf of a" }]);
  await nest.drain();

  const heard: unknown[] = [];
  drainedAtEnd(
    await startNestApp(stage.server.url, [
      { on: "message", pattern: "stock.place", run: (id: string) => `shelf of ${id}` },
      { on: "event", pattern: "orders.sent", run: (event) => heard.push(event) },
    ]),
  );
  for (const file of ["handlers/orders/total.ts", "handlers/orders/packed.ts"]) write(file, snippet(file));
  write("src/config.mjs", snippet("handlers.config.ts").replace(/^import .*$/m, "const defineConfig = (it) => it;"));
  const config = (await import(/* @vite-ignore */ join(project.rootDir, "src/config.mjs"))) as { default: object };
  await stage.start({ project, config: config.default });
  expect(await callsOf(caller)).toEqual(ANSWERS);
  await caller.emit("orders.packed", { id: "a" });
  await expect.poll(() => heard).toEqual(sent);
});

it("the container of the page gives a handler its services, and is what `handlers import nest` writes", async () => {
  const nest = createNestProject();
  cleanups.push(() => nest.end());
  for (const file of ["handlers/_nest.ts", "handlers/orders/placed.ts"])
    nest.write(file.replace("handlers/", ""), snippet(file));
  expect(containerText("../src/app.module.js", "AppModule")).toContain(snippet("handlers/_nest.ts"));
  await stage.start({ project: nest });
  const caller = await nestCaller(stage.server.url);
  cleanups.push(() => caller.close());
  expect(await caller.send("orders.placed", { item: "tea" })).toBe(3);
});

interface Saved {
  readonly id: string;
  readonly requestId: string;
  readonly pid: number;
}

it("the Nest service of the page is closed without losing a reply", async () => {
  const { DrainingNats } = await load<{ DrainingNats: new (options: object) => never }>("src/draining-nats.ts");
  const begun = Promise.withResolvers<void>();
  const slow = class {
    async take() {
      begun.resolve();
      await new Promise((resolve) => setTimeout(resolve, 50));
      return "late";
    }
  };
  MessagePattern("late")(slow.prototype, "take", Object.getOwnPropertyDescriptor(slow.prototype, "take")!);
  Controller()(slow);
  const module = class {};
  Module({ controllers: [slow] })(module);
  const options = { servers: [stage.server.url], gracefulShutdown: true, gracePeriod: 1_000 };
  const service = await NestFactory.createMicroservice(module, { strategy: new DrainingNats(options), logger: false });
  await service.listen();
  const caller = await nestCaller(stage.server.url);
  cleanups.push(() => caller.close());
  const asked = caller.send("late", {});
  await begun.promise;
  await service.close();
  expect(await asked).toBe("late");
});

it("the handler of the page goes on where the consumer by hand was", async () => {
  const file = write("saved.ndjson", "");
  write(
    "shop.js",
    `import { appendFileSync } from "node:fs";
     const line = (order) => JSON.stringify({ ...order, pid: process.pid }) + "\\n";
     export const save = async (order) => appendFileSync(${JSON.stringify(file)}, line(order));`,
  );
  const saved = () =>
    readFileSync(file, "utf8")
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Saved);
  let published = 0;
  const publish = (count: number) => {
    for (const end = published + count; published < end; published++)
      stage.client.publish("orders.billed", { id: String(published) }, { "x-request-id": [`r${published}`] });
  };
  const allSaved = () => expect.poll(() => saved().length).toBe(published);
  const app = await stage.start({
    project,
    config: { app: "shop", streams: [{ name: "ORDERS", subjects: ["orders.>"] }] },
  });
  const { consume } = await load<{ consume: (nats: NatsConnection) => Promise<void> }>("consumer.ts");
  const loop = await connect({ servers: stage.server.url });
  cleanups.push(() => loop.close());
  const consuming = consume(loop);
  publish(20);
  await allSaved();

  await loop.close();
  await consuming;
  publish(20);
  await stage.client.flush();
  const jsm = await jetstreamManager(stage.client.connection);
  await jsm.consumers.add("ORDERS", {
    durable_name: durableNameOf("shop", "billing", "orders.billed"),
    filter_subject: "orders.billed",
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: (await jsm.consumers.info("ORDERS", "billing")).ack_floor.stream_seq + 1,
  });
  await app.after(() => project.write("billing.ts", snippet("handlers/billing.ts")), "handler.serving");
  publish(20);
  await allSaved();

  const expected = Array.from({ length: published }, (_, at) => ({ id: String(at), requestId: `r${at}` }));
  const inOrder = saved().sort((a, b) => Number(a.id) - Number(b.id));
  expect(inOrder.map(({ id, requestId }) => ({ id, requestId }))).toEqual(expected);
  expect(new Set(inOrder.slice(0, 20).map(({ pid }) => pid))).toEqual(new Set([process.pid]));
  expect(inOrder.slice(20).map(({ pid }) => pid)).not.toContain(process.pid);
});

interface Mail {
  readonly to: string;
  readonly key: string;
  readonly failed: boolean;
}

it("the mails of the page are sent once for each id, retried, given up, and followed by what comes later", async () => {
  const file = write("mails.ndjson", "");
  write(
    "src/mail.js",
    `import { appendFileSync, readFileSync } from "node:fs";
     const file = ${JSON.stringify(file)};
     export const send = async ({ to, key }) => {
       const failed = to.startsWith("flaky") && !readFileSync(file, "utf8").includes(key);
       appendFileSync(file, JSON.stringify({ to, key, failed }) + "\\n");
       if (failed) throw new Error("busy");
     };`,
  );
  write("handlers/mails/welcome.ts", snippet("handlers/mails/welcome.ts"));
  const app = await stage.start({
    project,
    config: { app: "shop", streams: [{ name: "MAILS", subjects: ["mails.>"], retention: "workqueue" }] },
  });
  const progress = await stage.client.collect<{ percent: number }>("progress.mails");
  const { signedUp } = await load<{ signedUp: (client: Client, id: string, to: string) => Promise<void> }>(
    "src/mails.ts",
  );
  const client = createClient(stage.client.connection);
  await signedUp(client, "1", "ana@shop");
  await signedUp(client, "1", "ana@shop");
  await signedUp(client, "2", "flaky@shop");
  await app.after(() => void signedUp(client, "3", "nobody"), "delivery.failed", { outcome: "gave-up" });
  const mails = () =>
    readFileSync(file, "utf8")
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Mail);
  const jsm = await jetstreamManager(stage.client.connection);
  const stored = async (stream: string) => (await jsm.streams.info(stream)).state.messages;
  await expect.poll(() => stored("LATER_shop").catch(() => 0)).toBe(2);
  await expect.poll(() => stored("MAILS")).toBe(0);
  expect(
    mails()
      .map(({ to, failed }) => `${to} ${failed}`)
      .sort(),
  ).toEqual(["ana@shop false", "flaky@shop false", "flaky@shop true"]);
  expect(new Set(mails().map(({ key }) => key)).size).toBe(2);
  expect(progress.values.map(({ percent }) => percent)).toEqual([10, 10, 10]);
});

it("the report of the page has its schedule and runs by hand too; the book has its pages in order", async () => {
  write(
    "src/book.js",
    'export const render = (text) => "<" + text + ">"; export const bind = (pages) => pages.join();',
  );
  for (const file of ["handlers/reports/daily.ts", "handlers/pages/render.ts", "handlers/books/print.ts"])
    write(file, snippet(file));
  const app = await stage.start({
    project,
    config: { app: "shop", streams: [{ name: "SHOP", subjects: ["reports.daily", "books.print"] }] },
  });
  expect(app.status("reports/daily").schedule).toMatchObject({ pattern: "0 5 * * *", timeZone: "Europe/Berlin" });
  const done = await stage.client.collect("reports.done");
  const printed = await stage.client.collect("books.printed");
  stage.client.publish("reports.daily", { full: false });
  stage.client.publish("books.print", { pages: ["a", "b", "c"] });
  expect(await done.until(1)).toEqual([{ full: false }]);
  expect(await printed.until(1)).toEqual([{ book: "<a>,<b>,<c>" }]);
});
