// Nothing that a handler or a publisher makes too large takes anything down with it: it is refused by name, or cut.
// @module-tag any-server

import { expect, it } from "vitest";
import { connectClient } from "../support/client.ts";
import { startTestServer } from "../support/nats-server.ts";
import { fixture } from "../support/project.ts";
import { type TestRuntime, useStage } from "../support/runtime.ts";

const stage = useStage();
const MIB = 1024 ** 2;

const start = () => stage.start({ handlers: { "limits.ts": fixture("goes-beyond-limits.ts") } });
const call = (what: string) => stage.client.ask("limits.call", JSON.stringify(what));

/** What was asked for before cost the handler neither its process nor its life. */
async function stillServes(app: TestRuntime): Promise<void> {
  expect((await call("nothing")).value).toEqual({ ok: null });
  expect(app.told("worker.exited")).toEqual([]);
}

it("what a handler sends is refused by size, headers counted, whether the server or no server at all takes it", async () => {
  const app = await start();
  const server = /bytes are more than the server takes \(max_payload 1048576\)/;
  const any = /takes 1048576\d\d bytes, and no NATS server takes more than 67108864/;
  for (const [what, says] of [
    ["publish headers", server],
    ["publish together", server],
    ["publish just beyond", server],
    ["publish 100 MB", any],
    ["publish 100 MB of headers", /its headers included, takes 1048576\d\d bytes/],
    ["request 100 MB", any],
  ] as const) {
    const { value } = await call(what);
    expect([what, value]).toEqual([what, { code: 413, message: expect.stringMatching(says) }]);
  }
  await stillServes(app);
});

it("a reply that no server takes is an error to the requester, by size, and costs no worker", async () => {
  const app = await start();
  expect(await call("reply 100 MB")).toMatchObject({
    code: 500,
    error: expect.stringMatching(/takes 1048576\d\d bytes, and no NATS server takes more/),
  });
  await stillServes(app);
});

it("an error of 100 MB is cut", async () => {
  const app = await start();
  const { code, error } = await call("throw 100 MB");
  expect([code, error.length <= 1_000]).toEqual([500, true]);
  const [failed] = app.told("delivery.failed");
  expect(failed!.error.message.length).toBeLessThan(5_000);
  await stillServes(app);
});

it("a line of the log is cut, fields that are too large are left out and said to be, what is printed is cut", async () => {
  const app = await start();
  await app.after(() => call("log a long line"), "handler.log");
  await app.after(
    () => call("log large fields"),
    "handler.log",
    ({ message }) => message === "large fields",
  );
  const [long, fields] = app.told("handler.log");
  expect(long!.message).toBe(`${"x".repeat(16_000)}...`);
  expect(fields!.fields).toEqual({ note: `fields of ${MIB + 12} characters left out` });
  const printed = await app.after(() => call("print a long line"), "handler.output");
  expect(printed.line).toBe(`${"y".repeat(8_192)}...`);
  await stillServes(app);
});

it("a schema whose reasons are larger than the server takes still refuses its message", async () => {
  const small = await startTestServer({ config: "max_payload: 16384" });
  const huge = `export const metadata = { subject: "huge", kind: "request", schema: { "~standard": { version: 1, vendor: "own",
      validate: (value) => (value === 1 ? { value } : { issues: Array(30).fill({ message: "y".repeat(${MIB}) }) }) } } };
    export default (n) => n;`;
  const app = await stage.start({ handlers: { "huge.js": huge }, config: { nats: { servers: small.url } } });
  const client = await connectClient(small.url);
  const refused = await client.ask("huge", 2);
  expect(refused.error).toMatch(/^invalid payload: y{983}$/);
  // The reasons are left out, and what the header says is not.
  const err = { status: "error", code: 400, message: refused.error };
  expect(refused).toMatchObject({ code: 400, text: JSON.stringify({ err }) });
  expect((await client.ask("huge", 1)).value).toBe(1);
  expect(app.told("worker.exited")).toEqual([]);
  await client.connection.close();
  await app.close();
  await small.stop();
});

it("a message of nothing but headers, as large as the server takes, reaches its handler whole", async () => {
  await stage.start({
    handlers: {
      "counts.js": `export const metadata = { subject: "headers.count", kind: "request" };
        export default (_, ctx) => { let n = 0; for (const [name, [value]] of ctx.headers) n += name.length + value.length; return n; };`,
    },
  });
  const headers = Object.fromEntries(Array.from({ length: 1_000 }, (_, at) => [`X-${at}`, ["v".repeat(1_000)]]));
  const expected = Object.entries(headers).reduce((sum, [name]) => sum + name.length + 1_000, 0);
  expect((await stage.client.ask("headers.count", "", headers)).value).toBe(expected);
});
