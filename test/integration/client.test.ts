// An application that publishes and asks, and runs no handlers: `nats-handlers/client`.

import { jetstreamManager } from "@nats-io/jetstream";
import { wsconnect } from "@nats-io/nats-core";
import { build } from "esbuild";
import { defineEvent, defineRequest } from "nats-handlers";
import { type Client, ClientError, createClient, InvalidDataError, ReplyError } from "nats-handlers/client";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { systemClock } from "../../runtime/clock.ts";
import { LaterBox } from "../../runtime/later/later-box.ts";
import { ensureLaterStream } from "../../runtime/later/later-stream.ts";
import { freePort } from "../support/free-port.ts";
import { removeStreams } from "../support/remove-streams.ts";
import { useStage } from "../support/runtime.ts";

const WEBSOCKET = await freePort();
const stage = useStage(`websocket { listen: "127.0.0.1:${WEBSOCKET}", no_tls: true }`);

const EVENTS = `
import { defineEvent, defineRequest } from "nats-handlers";
import { z } from "zod";
export const placed = defineEvent("shop.placed", z.object({ id: z.int(), at: z.coerce.date().optional() }));
export const price = defineRequest("shop.price", z.object({ item: z.string().min(2) }), z.object({ cents: z.int() }));
`;
const HANDLERS = {
  "_events.ts": EVENTS,
  "keep.ts": `
import { placed } from "./_events.ts";
export const metadata = { ...placed, kind: "durable" };
export default (order, ctx) => ctx.publish("kept", order.id);`,
  "price.ts": `
import { price } from "./_events.ts";
export const metadata = { ...price, kind: "request" };
export default ({ item }) => {
  if (item === "gone") throw Object.assign(new Error("sold out"), { code: 410 });
  return item === "odd" ? { cents: "many" } : { cents: item.length * 100 };
};`,
  "ask.ts": `
import { price } from "./_events.ts";
export const metadata = { subject: "ask", kind: "request" };
export default async ({ item, cents }, ctx) => {
  const definition = cents === undefined ? price : { subject: "lies", schema: price.schema, reply: price.reply };
  return ctx.request(definition, { item }).catch(({ code, message }) => ({ code, message }));
};`,
  "lies.ts": `
export const metadata = { subject: "lies", kind: "request" };
export default () => ({ cents: 1.5 });`,
};
const CONFIG = { app: "shop", streams: [{ name: "SHOP", subjects: ["shop.placed"] }] };

const placed = defineEvent("shop.placed", z.object({ id: z.int(), at: z.coerce.date().optional() }));
const price = defineRequest("shop.price", z.object({ item: z.string().min(2) }), z.object({ cents: z.int() }));

let client: Client;
beforeEach(() => {
  client = createClient(stage.client.connection);
});
afterEach(async () => {
  const jsm = await jetstreamManager(stage.client.connection);
  await removeStreams(jsm);
});

/** What it rejects with. */
const failed = (promise: Promise<unknown>) =>
  promise.then(
    (value) => expect.fail(`resolved with ${JSON.stringify(value)}`),
    (error: unknown) => error,
  );

describe("publish", () => {
  it("resolves with where a stream has stored it, and a durable handler gets it", async () => {
    await stage.start({ handlers: HANDLERS, config: CONFIG });
    const kept = await stage.client.collect<number>("kept");
    expect(await client.publish(placed, { id: 7 }, { id: "order-7" })).toEqual({
      ...{ stream: "SHOP", seq: 1, duplicate: false },
    });
    expect(await client.publish(placed, { id: 7 }, { id: "order-7" })).toMatchObject({ seq: 1, duplicate: true });
    expect(await client.publish(placed, { id: 8 })).toMatchObject({ seq: 2 });
    expect(await kept.until(2)).toEqual([7, 8]);
  });

  it("sends the input of the schema: who handles it gets the output", async () => {
    const [heard] = [await stage.client.collect("shop.placed")];
    await client.publish(placed, { id: 1, at: new Date(0) }, { headers: { "X-From": ["a", "b"] } });
    expect(await heard.until(1)).toEqual([{ id: 1, at: "1970-01-01T00:00:00.000Z" }]);
    expect(heard.messages[0]!.headers?.values("X-From")).toEqual(["a", "b"]);
  });

  it("resolves with nothing where no stream takes it: the server has it", async () => {
    const heard = await stage.client.collect("news");
    expect(await client.publish("news", Buffer.from("raw"))).toBeUndefined();
    expect(await heard.until(1)).toEqual(["raw"]);
  });

  it("refuses what does not fit, and sends nothing", async () => {
    const heard = await stage.client.collect("shop.placed");
    const error = await failed(client.publish(placed, { id: 1.5 }));
    expect(error).toBeInstanceOf(InvalidDataError);
    expect(error).toMatchObject({ code: 400, issues: [{ path: "id" }] });
    for (const [target, data, options] of [
      ["shop.*", 1, {}],
      ["shop..a", 1, {}],
      ["a.b", new Map([[1, 2]]), {}],
      ["a.b", { deep: [new Set([1])] }, {}],
      ["a.b", { error: Object.assign(new Error("no"), { code: 1 }) }, {}],
      ["a.b", { bytes: new Uint16Array(1) }, {}],
      ["a.b", 1n, {}],
      ["a.b", 1, { headers: { "Nats-Msg-Id": "1" } }],
      ["a.b", 1, { timeout: "soon" }],
      ["a.b", 1, { dealy: "5s" }],
    ] as const) {
      expect(await failed(client.publish(target as "a.b", data, options as object))).toMatchObject({ code: 400 });
    }
    expect(await failed(client.publish("a.b", new Uint8Array(2 ** 21)))).toMatchObject({ code: 413 });
    await client.publish(placed, { id: 2 });
    expect(await heard.until(1)).toEqual([{ id: 2 }]);
  });

  it("says what the stream says that does not take it", async () => {
    const jsm = await jetstreamManager(stage.client.connection);
    const small = { name: "SMALL", subjects: ["small.*"], max_msg_size: 100 };
    await jsm.streams.add({ ...small, max_msgs: 1, discard: "new" });
    expect(await failed(client.publish("small.a", "x".repeat(200)))).toMatchObject({ code: 409, name: "ClientError" });
    await client.publish("small.a", "x");
    expect(await failed(client.publish("small.a", "y"))).toMatchObject({ code: 507 });
  });
});

describe("publish with delay or at", () => {
  /** Its replicas publish; it has no handler for them. */
  const startApp = () => stage.start({ handlers: HANDLERS, config: CONFIG, mode: "start" });
  const laterClient = () => createClient(stage.client.connection, { app: "shop" });

  async function provisioned() {
    const jsm = await jetstreamManager(stage.client.connection);
    await jsm.streams.add({ name: "SHOP", subjects: ["shop.placed"] });
    await ensureLaterStream(jsm, "shop", 1);
    return startApp();
  }

  it("waits in the app's stream, leaves when it is due and never earlier, and a durable handler gets it", async () => {
    await provisioned();
    const kept = await stage.client.collect<number>("kept");
    const left = await stage.client.collect("shop.placed");
    const askedAtMs = Date.now();
    const stored = await laterClient().publish(
      placed,
      { id: 7 },
      { delay: "1s", id: "order-7", headers: { Colour: "red" } },
    );
    expect(stored).toMatchObject({ stream: "LATER_shop", duplicate: false });
    expect(await kept.until(1)).toEqual([7]);
    expect(Date.now() - askedAtMs).toBeGreaterThanOrEqual(1_000);
    const [message] = left.messages;
    expect(message?.headers?.get("Colour")).toBe("red");
    expect(message?.headers?.keys().filter((name) => name.startsWith("Handlers-Later-"))).toEqual([]);
  });

  it("is stored once under its id, listed as sent by hand, and leaves at a time", async () => {
    await provisioned();
    const heard = await stage.client.collect("news");
    const soon = { at: new Date(Date.now() + 1_500), id: "news-1" };
    expect(await laterClient().publish("news", 1, soon)).toMatchObject({ duplicate: false });
    expect(await laterClient().publish("news", 1, soon)).toMatchObject({ duplicate: true });
    const { messages } = await new LaterBox(stage.client.connection, "shop", systemClock).list({});
    expect(messages).toMatchObject([{ target: "news", by: "$send", dueMs: soon.at.getTime() }]);
    expect(await heard.until(1)).toEqual([1]);
    await vi.waitFor(async () => {
      expect((await new LaterBox(stage.client.connection, "shop", systemClock).list({})).messages).toEqual([]);
    });
    expect(heard.values).toEqual([1]);
  });

  it("is at once where the delay is none and the time has passed", async () => {
    const heard = await stage.client.collect("news");
    await client.publish("news", 1, { delay: "0s" });
    await client.publish("news", 2, { at: new Date(0) });
    expect(await heard.until(2)).toEqual([1, 2]);
  });

  it("is refused where it could not wait or leave, and nothing is sent", async () => {
    const heard = await stage.client.collect("news");
    const refusals = [
      [client, { delay: "1s" }, { code: 400, message: expect.stringMatching(/need an app/) }],
      [
        laterClient(),
        { delay: "1s", at: new Date() },
        { code: 400, message: expect.stringMatching(/exclude each other/) },
      ],
      [laterClient(), { delay: "soon" }, { code: 400, message: expect.stringMatching(/no.* duration|not a duration/) }],
      [laterClient(), { at: new Date(Number.NaN) }, { code: 400 }],
      [laterClient(), { delay: "367d" }, { code: 400, message: expect.stringMatching(/366 days/) }],
      [
        laterClient(),
        { delay: "1s" },
        { code: 503, message: expect.stringMatching(/no stream "LATER_shop".*--provision/) },
      ],
    ] as const;
    for (const [asked, options, error] of refusals) {
      expect(await failed(asked.publish("news", 1, options as object))).toMatchObject({
        name: "ClientError",
        ...error,
      });
    }
    await client.publish("news", "end");
    expect(await heard.until(1)).toEqual(["end"]);
  });
});

describe("request", () => {
  it("resolves with a reply that fits its schema", async () => {
    await stage.start({ handlers: HANDLERS, config: CONFIG });
    expect(await client.request(price, { item: "pear" })).toEqual({ cents: 400 });
    expect(await client.request("shop.price", { item: "fig" })).toEqual({ cents: 300 });
    expect(await client.request("shop.price", { item: "fig" }, { payload: "bytes" })).toEqual(
      new Uint8Array(Buffer.from('{"cents":300}')),
    );
  });

  it("is refused before it is sent, by the handler, or by the handler's own reply", async () => {
    await stage.start({ handlers: HANDLERS, config: CONFIG });
    expect(await failed(client.request(price, { item: "x" }))).toBeInstanceOf(InvalidDataError);
    const refused = await failed(client.request("shop.price", { item: "x" }));
    expect(refused).toBeInstanceOf(ReplyError);
    expect(refused).toMatchObject({ code: 400, issues: [{ path: "item" }] });
    const unfit = await failed(client.request(price, { item: "odd" }));
    expect(unfit).toMatchObject({
      code: 500,
      message: expect.stringMatching(/the returned value does not fit the schema of the reply: cents: /),
    });
    expect(await failed(client.request(price, { item: "gone" }))).toMatchObject({ name: "ReplyError" });
  });

  it("rejects a reply that does not fit, also in a handler", async () => {
    await stage.start({ handlers: HANDLERS, config: CONFIG });
    const lying = defineRequest("lies", z.unknown(), z.object({ cents: z.int() }));
    expect(await failed(client.request(lying, {}))).toMatchObject({ code: 502, issues: [{ path: "cents" }] });
    expect(await client.request("ask", { item: "pear" })).toEqual({ cents: 400 });
    expect(await client.request("ask", { item: "pear", cents: 1 })).toMatchObject({
      code: 502,
      message: expect.stringMatching(/^the reply to the request to "lies" does not fit its schema: cents: /),
    });
  });

  it("says when nobody takes it, nobody answers in time, or a stream would answer", async () => {
    await stage.client.collect("silent");
    expect(await failed(client.request("nobody"))).toMatchObject({ code: 503 });
    const late = await failed(client.request("silent", 1, { timeout: "50ms" }));
    expect(late).toBeInstanceOf(ClientError);
    expect(late).toMatchObject({ code: 504, message: 'request to "silent": no reply within 50 ms' });
    const jsm = await jetstreamManager(stage.client.connection);
    await jsm.streams.add({ name: "TAKES", subjects: ["taken"] });
    expect(await failed(client.request("taken"))).toMatchObject({ code: 400 });
  });
});

describe("in a browser", () => {
  it("needs nothing of Node, and is a few KB beside the NATS client", async () => {
    const entryPoints = ["sdk/client.ts"];
    const { outputFiles } = await build({
      ...{ entryPoints, bundle: true, minify: true, write: false, format: "esm", platform: "browser" },
      external: ["@nats-io/nats-core"],
    });
    expect(outputFiles[0]!.text).not.toMatch(/\bnode:|\bBuffer\b|\bprocess\b/);
    expect(outputFiles[0]!.contents.length).toBeLessThan(11 * 1024);
  });

  it("works over WebSocket", async () => {
    await stage.start({ handlers: HANDLERS, config: CONFIG });
    const connection = await wsconnect({ servers: `ws://127.0.0.1:${WEBSOCKET}` });
    const browser = createClient(connection);
    expect(await browser.publish(placed, { id: 1 })).toMatchObject({ stream: "SHOP" });
    expect(await browser.request(price, { item: "plum" })).toEqual({ cents: 400 });
    await connection.close();
    expect(await failed(browser.publish("news", 1))).toMatchObject({ code: 503 });
  });
});
