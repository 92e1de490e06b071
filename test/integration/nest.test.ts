// Handlers among services of NestJS: real clients and servers of its NATS transport on either side.
// @module-tag any-server

import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Msg } from "@nats-io/transport-node";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { allOf, type NestCaller, type NestMethod, nestCaller, startNestApp } from "../support/nest-app.ts";
import { createProject } from "../support/project.ts";
import { useStage } from "../support/runtime.ts";

const stage = useStage();
const NEST = fileURLToPath(new URL("../../node_modules/@nestjs", import.meta.url));
const cleanups: (() => unknown)[] = [];
let caller: NestCaller;

beforeEach(async () => {
  caller = await nestCaller(stage.server.url);
});

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  await caller.close();
});

/** A runtime with these handlers, in whose project Nest is installed. */
function start(handlers: Readonly<Record<string, string>>, config: object = {}) {
  const project = createProject(handlers);
  cleanups.push(() => project.end());
  symlinkSync(NEST, join(project.rootDir, "node_modules", "@nestjs"));
  return stage.start({ project, config });
}

async function service(methods: readonly NestMethod[]): Promise<void> {
  const app = await startNestApp(stage.server.url, methods);
  cleanups.push(() => app.drain());
}

const refusalOf = (asking: Promise<unknown>) =>
  asking.then(
    (value) => ({ answered: value }),
    (error: unknown) => ({ thrown: error }),
  );

const REQUEST = (subject: string, more = "") => `{ subject: ${JSON.stringify(subject)}, kind: "request", ${more} }`;

describe("a Nest client", () => {
  it("gets what a handler returns, whose schema is given the data", async () => {
    await start({
      "sum.ts": `
        import { z } from "zod";
        export const metadata = ${REQUEST("sum", 'envelope: "nest", schema: z.array(z.number())')};
        export default (numbers) => numbers.length === 0 ? undefined : { sum: numbers.reduce((a, b) => a + b) };`,
      "cmd.ts": `
        export const metadata = ${REQUEST('{"cmd":"echo"}', 'envelope: "nest"')};
        export default (data, ctx) => [data, ctx.subject];`,
    });
    expect(await caller.send("sum", [1, 2, 3])).toEqual({ sum: 6 });
    expect(await caller.send("sum", [])).toBeUndefined();
    expect(await caller.send({ cmd: "echo" }, "a")).toEqual(["a", '{"cmd":"echo"}']);
  });

  it("gets an exception for each way in which a request can fail", async () => {
    const nest = 'envelope: "nest"';
    await start({
      "sum.ts": `
        import { z } from "zod";
        export const metadata = ${REQUEST("sum", `${nest}, schema: z.array(z.number())`)};
        export default (numbers) => numbers;`,
      "throws.ts": `
        import { RpcException } from "@nestjs/microservices";
        import { GiveUp, RetryLater } from "nats-handlers";
        const errors = {
          plain: () => new Error("it broke"),
          object: () => new RpcException({ reason: "no money", left: 3 }),
          text: () => new RpcException("no money"),
          "give up": () => new GiveUp("never"),
          later: () => new RetryLater("5s"),
        };
        export const metadata = ${REQUEST("throws", nest)};
        export default async (which) => { throw errors[which](); };`,
      "slow.ts": `
        export const metadata = ${REQUEST("slow", `${nest}, timeout: "50ms"`)};
        export default () => new Promise(() => {});`,
      "dies.ts": `
        export const metadata = ${REQUEST("dies", nest)};
        export default () => process.exit(3);`,
      "map.ts": `
        export const metadata = ${REQUEST("map", nest)};
        export default () => new Map([[1, 2]]);`,
      "large.ts": `
        export const metadata = ${REQUEST("large", nest)};
        export default () => "x".repeat(1_100_000);`,
    });
    const thrown = async (subject: string, data: unknown = {}) => await refusalOf(caller.send(subject, data));
    const error = (code: number, message: unknown) => ({ thrown: { status: "error", code, message } });
    expect(await thrown("sum", ["a"])).toEqual({
      thrown: {
        ...error(400, expect.stringContaining("invalid payload")).thrown,
        issues: [expect.objectContaining({ path: "0" })],
      },
    });
    expect(await thrown("throws", "plain")).toEqual(error(500, "it broke"));
    expect(await thrown("throws", "object")).toEqual({ thrown: { reason: "no money", left: 3 } });
    expect(await thrown("throws", "text")).toEqual({ thrown: { status: "error", message: "no money" } });
    expect(await thrown("throws", "give up")).toEqual(error(422, "never"));
    expect(await thrown("throws", "later")).toMatchObject(error(503, expect.any(String)));
    expect(await thrown("slow")).toEqual(error(504, "did not return within 50 ms"));
    expect(await thrown("map")).toEqual(
      error(500, 'the returned value holds a Map at "response", which JSON cannot carry'),
    );
    expect(await thrown("large")).toMatchObject(error(500, expect.stringContaining("larger than the server takes")));
    expect(await thrown("dies")).toMatchObject(error(500, expect.stringContaining("exit code 3")));
    // As with a Nest service that is not there.
    expect(await thrown("nobody")).toMatchObject({
      thrown: { message: expect.stringContaining("There are no subscribers") },
    });
  });

  it("gets an exception when the handler has too much to do", async () => {
    await start({
      "busy.ts": `
        export const metadata = ${REQUEST("busy", 'envelope: "nest", concurrency: 1, maxQueued: 1')};
        export default (_data, ctx) => ctx.request("release", null, { timeout: "60s" });`,
    });
    const held: Msg[] = [];
    let release = (message: Msg) => void held.push(message);
    stage.client.connection.subscribe("release", { callback: (_error, message) => release(message) });
    await stage.client.flush();
    const asked = Array.from({ length: 8 }, () => refusalOf(caller.send("busy", {})));
    const refused = { thrown: { status: "error", code: 429, message: "the handler's queue is full" } };
    expect(await Promise.race(asked)).toEqual(refused);
    release = (message) => void message.respond('"done"');
    held.forEach(release);
    expect(await Promise.all(asked)).toContainEqual({ answered: "done" });
  });

  it("gets every value of a stream, and an exception after those that came before", async () => {
    await start({
      "count.ts": `
        export const metadata = ${REQUEST("count", 'envelope: "nest"')};
        export default async function* (to) {
          for (let at = 1; at <= to; at++) yield { at };
          if (to === 2) throw new Error("no further");
        };`,
    });
    expect(await allOf(caller.sendForAll("count", 3))).toEqual([{ at: 1 }, { at: 2 }, { at: 3 }]);
    expect(await allOf(caller.sendForAll("count", 0))).toEqual([]);
    const values: unknown[] = [];
    const ended = await new Promise((resolve) => {
      caller.sendForAll("count", 2).subscribe({
        next: (value) => values.push(value),
        error: resolve,
        complete: () => resolve("complete"),
      });
    });
    expect(values).toEqual([{ at: 1 }, { at: 2 }]);
    expect(ended).toEqual({ status: "error", code: 500, message: "no further" });
  });

  it("emits to event and durable handlers alike", async () => {
    await start(
      {
        "heard.ts": `
          export const metadata = { subject: "todo.heard" };
          export default (data, ctx) => ctx.publish("seen", ["event", data]);`,
        "kept.ts": `
          export const metadata = { subject: "orders.new", kind: "durable" };
          export default (data, ctx) => ctx.publish("seen", ["durable", data]);`,
      },
      { streams: [{ name: "ORDERS", subjects: ["orders.>"] }], defaults: { envelope: "nest" } },
    );
    const seen = await stage.client.collect("seen");
    await caller.emit("todo.heard", { n: 1 });
    await seen.until(1);
    await caller.emit("orders.new", { n: 2 });
    expect(await seen.until(2)).toEqual([
      ["event", { n: 1 }],
      ["durable", { n: 2 }],
    ]);
  });
});

it("what is no packet of Nest is refused, as an event and as a request", async () => {
  const app = await start({
    "sum.ts": `
      export const metadata = ${REQUEST("sum", 'envelope: "nest"')};
      export default () => 1;`,
    "heard.ts": `
      export const metadata = { subject: "heard", envelope: "nest" };
      export default () => {};`,
  });
  const answer = await stage.client.ask("sum", { a: 1 });
  expect(answer.code).toBe(400);
  expect(answer.error).toContain("it is no packet of Nest, which has a `pattern` and `data`");
  const failed = await app.after(() => stage.client.publish("heard", [1]), "delivery.failed");
  expect(failed).toMatchObject({ outcome: "invalid", handler: "heard" });
});

it("a handler asks and tells services of Nest, and catches what they throw", async () => {
  const events: unknown[] = [];
  const { RpcException } = await import("@nestjs/microservices");
  const { of } = await import("rxjs");
  await service([
    { on: "message", pattern: "stock.left", run: ({ sku }: { sku: string }) => ({ sku, left: 4 }) },
    { on: "message", pattern: "stock.all", run: () => of(1, 2, 3) },
    { on: "message", pattern: "stock.none", run: () => undefined },
    {
      on: "message",
      pattern: "stock.refused",
      run: () => {
        throw new RpcException({ code: 409, message: "all sold" });
      },
    },
    {
      on: "message",
      pattern: "stock.headers",
      run: (_data, context) => context.getHeaders().get("x-tenant"),
    },
    { on: "event", pattern: "stock.seen", run: (data) => events.push(data) },
  ]);
  await start({
    "ask.ts": `
      export const metadata = ${REQUEST("ask")};
      const nest = { envelope: "nest" };
      const told = ({ message, code, cause }) => ({ message, code, cause });
      export default async (_event, ctx) => {
        await ctx.publish("stock.seen", { sku: "b" }, nest);
        return {
          left: await ctx.request("stock.left", { sku: "b" }, nest),
          first: await ctx.request("stock.all", null, nest),
          none: (await ctx.request("stock.none", null, nest)) === undefined,
          headers: await ctx.request("stock.headers", null, { ...nest, headers: { "x-tenant": "acme" } }),
          refused: await ctx.request("stock.refused", null, nest).catch(told),
          nobody: await ctx.request("stock.nobody", null, nest).catch(told),
        };
      };`,
  });
  expect((await stage.client.ask("ask")).value).toEqual({
    left: { sku: "b", left: 4 },
    first: 1,
    none: true,
    headers: "acme",
    refused: {
      message: 'the reply to the request to "stock.refused" is an exception: all sold',
      code: 409,
      cause: { code: 409, message: "all sold" },
    },
    nobody: { message: 'request to "stock.nobody": nobody takes this subject', code: 503 },
  });
  await expect.poll(() => events).toEqual([{ sku: "b" }]);
});

it("handlers in packets ask each other, and get codes and reasons", async () => {
  await start({
    "sum.ts": `
      import { z } from "zod";
      export const metadata = ${REQUEST("sum", 'envelope: "nest", schema: z.array(z.number())')};
      export default (numbers) => numbers.length;`,
    "ask.ts": `
      export const metadata = ${REQUEST("ask")};
      export default async (event, ctx) => {
        const asked = ctx.request("sum", event, { envelope: "nest" });
        return asked.catch(({ code }) => ({ code }));
      };`,
  });
  expect((await stage.client.ask("ask", [1, 2])).value).toBe(2);
  expect((await stage.client.ask("ask", ["a"])).value).toEqual({ code: 400 });
});
