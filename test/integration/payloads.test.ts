// What goes in and what comes out: every content, every kind of answer.
// @module-tag any-server

import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { expect, it } from "vitest";
import { fixture } from "../support/project.ts";
import { useStage } from "../support/runtime.ts";

const stage = useStage();

function serve(name: string) {
  return stage.start({ handlers: { [name]: fixture(name) } });
}

const TEXT = { "Content-Type": ["text/plain"] };

it("a reply is what was returned: JSON for JSON, bytes for bytes, a text for a text, nothing for nothing", async () => {
  const asBytes = { '"echo"': '"echo.bytes"', "kind:": 'payload: "bytes", kind:' };
  await stage.start({ handlers: { "echo.ts": fixture("echoes.ts"), "bytes.ts": fixture("echoes.ts", asBytes) } });
  const { client } = stage;
  expect((await client.ask("echo", { a: [1, null, "ü"] })).value).toEqual({ a: [1, null, "ü"] });
  expect((await client.ask("echo", JSON.stringify("a text"))).text).toBe('"a text"');
  expect((await client.ask("echo", "plain words", TEXT)).text).toBe("plain words");
  expect((await client.ask("echo", "[1]", TEXT)).text).toBe("[1]");
  const bytes = Uint8Array.from([0, 255, 1, 254, 10, 13]);
  expect([...(await client.ask("echo.bytes", bytes)).message.data]).toEqual([...bytes]);
  const large = new Uint8Array(900_000).fill(7);
  expect(Buffer.from((await client.ask("echo.bytes", large)).message.data).equals(large)).toBe(true);
  const empty = await client.ask("echo");
  expect([empty.code, empty.message.data.length]).toEqual([0, 0]);
});

it("a text returned for a request that was not JSON is sent as it is", async () => {
  const text = fixture("echoes.ts").replace("payload;", '"said " + payload;');
  await stage.start({ handlers: { "echo.ts": text } });
  expect((await stage.client.ask("echo", "plain words", TEXT)).text).toBe("said plain words");
});

it("what a handler gets does not depend on the bytes: a handler of bytes gets bytes, and another none", async () => {
  await stage.start({
    handlers: {
      "json.ts": fixture("tells-what-it-gets.ts"),
      "bytes.ts": fixture("tells-what-it-gets.ts", {
        '"given"': '"given.bytes"',
        "kind:": 'payload: "bytes", kind:',
      }),
    },
  });
  const { client } = stage;
  // Protobuf and MessagePack that look like JSON, and some that do not.
  for (const bytes of [[0x20, 0x35], [0x31], [0x0a, 5, 0x68, 0x65, 0x6c, 0x6c, 0x6f]]) {
    const { value } = await client.ask("given.bytes", Uint8Array.from(bytes));
    expect(value).toEqual({ is: "Uint8Array", content: bytes });
    const header = { "Content-Type": ["application/x-protobuf"] };
    expect((await client.ask("given", Uint8Array.from(bytes), header)).value).toEqual(value);
  }
  expect(await client.ask("given", "plain words")).toMatchObject({ code: 400, value: { err: { code: 400 } } });
  expect((await client.ask("given", "plain words")).error).toContain("payload is not JSON");
  expect((await client.ask("given", Uint8Array.from([0x22, 0xc3, 0x28, 0x22]))).error).toContain("not UTF-8");
  expect((await client.ask("given", "1", TEXT)).value).toEqual({ is: "string", content: "1" });
});

it("a codec of the author's reads requests and writes replies", async () => {
  await serve("speaks-its-own-format.ts");
  const { client } = stage;
  expect((await client.ask("spoken", "a=1;b=two")).text).toBe("got={a,b}");
  const broken = await client.ask("spoken", "a");
  expect([broken.code, broken.error]).toEqual([400, "invalid payload: payload cannot be decoded: no = in a"]);
  expect((await client.ask("spoken", "{}", { "Content-Type": ["application/json"] })).code).toBe(400);
});

it("what is asked of others is read as asked, and a reply that cannot be read so is an error", async () => {
  await serve("asks-and-tells.ts");
  const { connection } = stage.client;
  connection.subscribe("picture", { callback: (_error, msg) => void msg.respond(Uint8Array.from([0x31])) });
  connection.subscribe("words", { callback: (_error, msg) => void msg.respond("plain words") });
  const asked = async (subject: string, payload?: string) =>
    (await stage.client.ask("asks", { subject, payload })).value;
  expect(await asked("picture")).toBe("number 1");
  expect(await asked("picture", "bytes")).toBe("object 49");
  expect(await asked("words", "bytes")).toBe(`object ${[...Buffer.from("plain words")]}`);
  expect(await asked("words")).toMatch(
    /^Error 502 the reply to the request to "words" cannot be read: payload is not JSON/,
  );
});

it("an error says what it is in its body too: a caller that reads no headers hears it", async () => {
  await serve("throws-anything.ts");
  const { value } = await stage.client.ask("throws", JSON.stringify("no such card"));
  expect(value).toEqual({ err: { status: "error", code: 500, message: "no such card" } });
});

it("a handler knows the subject, what stood for the wildcards, every header value, its id and its attempt", async () => {
  await serve("tells-its-context.ts");
  const headers = { "X-Tag": ["one", "two"], "x-other": ["with: colon"] };
  const { value } = await stage.client.ask("context.eu.orders.a.b", { n: 1 }, headers);
  expect(value).toMatchObject({
    payload: { n: 1 },
    subject: "context.eu.orders.a.b",
    wildcards: ["eu", "a.b"],
    headers: [
      ["X-Tag", ["one", "two"]],
      ["x-other", ["with: colon"]],
    ],
    all: ["one", "two"],
    missing: "absent",
    attempt: 1,
    attempts: 1,
  });
  const ask = async (payload?: string) => (await stage.client.ask("context.x.orders.y", payload)).value;
  const [first, second] = (await Promise.all([ask(), ask("[]")])) as { id: string }[];
  expect(first).toMatchObject({ payload: "undefined", isBytes: false, headers: [] });
  expect(second).toMatchObject({ payload: [], isBytes: false });
  expect(first?.id).toMatch(/.+/);
  expect(first?.id).not.toBe(second?.id);
});

it("a payload the schema refuses is answered with 400 and the issues, and never reaches the function", async () => {
  const app = await serve("wants-a-shape.ts");
  const good = await stage.client.ask("shaped", { id: 1, tags: ["a"] });
  expect(good.value).toEqual({ got: { id: 1, tags: ["a"], note: "none" } });
  const from = app.mark();
  const bad = await stage.client.ask("shaped", { id: "one", tags: ["a", 2] });
  expect(bad.code).toBe(400);
  expect(bad.value).toMatchObject({ err: { issues: [{ path: "id" }, { path: "tags.1" }] } });
  expect(bad.error).toContain("id");
  expect(await stage.client.ask("shaped", "no JSON")).toMatchObject({ code: 400 });
  expect(await stage.client.ask("shaped")).toMatchObject({ code: 400 });
  const told = await app.next("delivery.failed", { outcome: "invalid" }, from);
  expect(told.error).toMatchObject({ code: "PAYLOAD_INVALID", handler: "wants-a-shape" });
  expect(told.settled).toBe("replied 400");
});

it("a reply that cannot be sent is an error to the requester and in the log", async () => {
  const app = await serve("returns-the-impossible.ts");
  for (const [what, says] of [
    ["bigint", /BigInt/],
    ["function", /function/],
    ["symbol", /symbol/],
    ["cycle", /circular/],
    ["large", /max_payload/],
  ] as const) {
    const from = app.mark();
    const answer = await stage.client.ask("impossible", JSON.stringify(what));
    expect([what, answer.code]).toEqual([what, 500]);
    expect(answer.error).toMatch(says);
    const told = await app.next("delivery.failed", {}, from);
    expect(told.error).toMatchObject({ code: "NOT_SERIALIZABLE", handler: "returns-the-impossible" });
  }
});

it("what a handler throws chooses the code, and no stack leaves the runtime", async () => {
  const app = await serve("throws-anything.ts");
  for (const [what, code, says] of [
    ["text", 500, /only text/],
    ["null", 500, /null/],
    ["something else", 500, /something else/],
    ["give-up", 422, /card expired/],
    ["retry-later", 503, /30s/],
    ["two-lines", 500, /first line Nats/],
  ] as const) {
    const from = app.mark();
    const answer = await stage.client.ask("throws", JSON.stringify(what));
    expect([what, answer.code]).toEqual([what, code]);
    expect(answer.error).toMatch(says);
    expect(answer.error + answer.text).not.toMatch(/throws-anything\.ts|\bat /);
    expect((await app.next("delivery.failed", {}, from)).settled).toBe(`replied ${code}`);
  }
  const [failure] = app.told("delivery.failed").filter(({ error }) => error.message.includes("something else"));
  expect(failure?.error.place).toMatchObject({ file: "handlers/throws-anything.ts", line: 10 });
});

it("an async generator streams its replies, and the last one is empty", async () => {
  await serve("streams-numbers.ts");
  const answers = await stage.client.askMany("numbers", { count: 300 });
  expect(answers.slice(0, -1).map(({ value }) => value)).toEqual(
    Array.from({ length: 300 }, (_, at) => ({ n: at + 1 })),
  );
  expect(answers.at(-1)).toMatchObject({ text: "", code: 0 });
  expect((await stage.client.askMany("numbers", { count: 0 })).map(({ text }) => text)).toEqual([""]);
});

it("a generator that throws in the middle ends its stream with an error", async () => {
  const app = await serve("streams-numbers.ts");
  const from = app.mark();
  const answers = await stage.client.askMany("numbers", { count: 5, throwAt: 3 });
  expect(answers.map(({ code, value }) => [code, value])).toEqual([
    [0, { n: 1 }],
    [0, { n: 2 }],
    [500, ""],
  ]);
  expect((await app.next("delivery.failed", {}, from)).error.message).toContain("no 3 today");
});

it("an event handler never answers, so the PubAck of a JetStream publisher stays intact", async () => {
  const app = await stage.start({
    handlers: {
      "hears.ts": `export const metadata = { subject: "stored.>" };
        export default async (n, ctx) => { await ctx.publish("heard", n); return { an: "answer" }; };`,
      "fails.ts": `export const metadata = { subject: "stored.*" }; export default () => { throw new Error("no"); };`,
    },
  });
  const { connection } = stage.client;
  const manager = await jetstreamManager(connection);
  await manager.streams.add({ name: "STORED", subjects: ["stored.>"] });
  const heard = await stage.client.collect<number>("heard");
  for (let n = 1; n <= 50; n++) {
    expect(await jetstream(connection).publish("stored.item", String(n))).toMatchObject({ stream: "STORED", seq: n });
  }
  expect((await heard.until(50)).length).toBe(50);
  expect(app.told("delivery.failed").length).toBeGreaterThan(0);
  await manager.streams.delete("STORED");
});

it("a value that breaks whoever looks at it harms its own message, and no worker", async () => {
  const app = await serve("hostile-values.ts");
  const noSubject =
    /there is no subject in (5|{}|\["a"\]|null): a subject such as "orders.created", or an event, is needed/;
  for (const [what, code, says] of [
    ["logs a bigint", 0, /^$/],
    ["logs a getter", 0, /^$/],
    ["logs a proxy", 0, /^$/],
    ["throws a getter", 500, /cannot be read/],
    ["throws a proxy", 500, /which is not an Error/],
    ["returns a proxy", 500, /hands off/],
    ["returns a map", 500, /the returned value is a Map, which JSON cannot carry/],
    ["returns a generator", 500, /a generator, of which nothing has run/],
    ["publishes a set", 500, /the data published to "anywhere" holds a Set at "tags", which JSON cannot carry/],
    ["publishes to a number", 500, noSubject],
    ["publishes to an object", 500, noSubject],
    ["publishes to a list", 500, noSubject],
    ["publishes to null", 500, noSubject],
  ] as const) {
    const answer = await stage.client.ask("hostile", JSON.stringify(what));
    expect([what, answer.code]).toEqual([what, code]);
    expect(answer.error).toMatch(says);
  }
  expect(app.told("handler.log").map(({ fields }) => fields)).toContainEqual({ id: "12n" });
  expect(app.told("worker.exited")).toEqual([]);
});

it("a default export that would run nothing is refused when it is loaded, by its name", async () => {
  for (const [text, says] of [
    ["export default function* (event) { yield event; }", "is a generator function: calling it runs nothing"],
    ["export default class Handler {}", "has a default export that is a class, but a function is needed"],
  ] as const) {
    const app = await stage.start({ handlers: { "odd.ts": `export const metadata = { subject: "odd" }; ${text}` } });
    expect(app.status("odd").lastFailure?.message ?? "").toContain(says);
  }
});
