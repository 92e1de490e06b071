// The operator's commands against a runtime: what they print, what they end with, and what they do.
// @module-tag any-server

import { connect } from "@nats-io/transport-node";
import { expect, it } from "vitest";
import { run } from "../../runtime/cli/run.ts";
import { hurriedRestarts } from "../support/hurried-clock.ts";
import { type TestRuntime, useStage } from "../support/runtime.ts";
import { type FakeTerminal, fakeTerminal } from "../unit/cli/fake-terminal.ts";

const stage = useStage();

const ORDER = `export const metadata = { subject: "shop.order" };
export default async (event, ctx) => {
  if (event?.fail) throw new Error("no such order");
  await ctx.publish("ran.order", { n: event.n, pid: process.pid });
};\n`;
const PRICE = `export const metadata = { subject: "shop.price", kind: "request" };
export default () => ({ cents: 250 });\n`;
const COUNT = `export const metadata = { subject: "shop.count", kind: "request" };
export default async function* () { yield 1; yield 2; }\n`;

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command line, in this process. */
async function handlers(app: TestRuntime | string, ...args: string[]): Promise<Ended> {
  const cwd = typeof app === "string" ? app : app.project.rootDir;
  const terminal: FakeTerminal = fakeTerminal({ cwd, env: { NATS_URL: stage.server.url } });
  const code = await run(args, terminal);
  return { code, stdout: terminal.stdout(), stderr: terminal.stderr() };
}

async function json<T>(app: TestRuntime, ...args: string[]): Promise<T> {
  const { stdout } = await handlers(app, ...args, "--json");
  return JSON.parse(stdout) as T;
}

interface StatusJson {
  readonly app: string;
  readonly handlers: readonly { readonly name: string; readonly state: string; readonly [more: string]: unknown }[];
}

async function stateOf(app: TestRuntime, name: string): Promise<string | undefined> {
  return (await json<StatusJson>(app, "status", name)).handlers[0]?.state;
}

it("status counts what has been handled and what has failed, and shows the last error", async () => {
  const app = await stage.start({ handlers: { "order.js": ORDER, "price.js": PRICE } });
  const ran = await stage.client.collect("ran.order");
  for (let n = 0; n < 10; n++) stage.client.publish("shop.order", { n });
  await ran.until(10);
  const failures = app.mark();
  for (let n = 0; n < 3; n++) stage.client.publish("shop.order", { fail: true });
  await app.next("delivery.failed", () => app.told("delivery.failed", failures).length === 3, failures);
  for (let n = 0; n < 5; n++) await stage.client.ask("shop.price");
  const { app: name, handlers: told } = await json<StatusJson>(app, "status");
  expect(name).toBe("shop");
  expect(told).toMatchObject([
    { name: "order", state: "serving", kind: "event", subject: "shop.order", handled: 10, failed: 3, inFlight: 0 },
    { name: "price", state: "serving", kind: "request", handled: 5, failed: 0, inFlight: 0 },
  ]);
  const { code, stdout } = await handlers(app, "status");
  expect(code).toBe(0);
  expect(stdout).toMatch(/^shop · 1 replica · 2 handlers\n/);
  expect(stdout).toMatch(/✓ order +serving +event +shop\.order .* 10 +3 /);
  expect(stdout).toMatch(
    / {4}\d s ago HANDLER_THREW: failed on "shop\.order": no such order \(handlers\/order\.js:3:\d+\)/,
  );
  const inspected = await handlers(app, "inspect", "order");
  expect(inspected.stdout).toMatch(/event handler of "shop\.order"[\s\S]*10 handled, 3 failed[\s\S]*pid \d+/);
  expect(inspected.stdout).toMatch(/> 3 \| +if \(event\?\.fail\) throw new Error/);
});

it("without a runtime, status ends with 3 and says what to do", async () => {
  const app = await stage.start({ handlers: { "price.js": PRICE } });
  await app.close();
  const { code, stderr } = await handlers(app, "status");
  expect(code).toBe(3);
  expect(stderr).toMatch(/^NATS_UNREACHABLE: no runtime of app "shop" answers\nStart one with `handlers dev`/);
});

it("disable turns off what the globs mean, says what becomes of the messages, and enable brings it back", async () => {
  const app = await stage.start({ handlers: { "a/order.js": ORDER, "a/price.js": PRICE, "count.mjs": COUNT } });
  const { code, stdout } = await handlers(app, "disable", "a/*", "--reason", "too slow", "--for", "2h");
  expect(code).toBe(0);
  expect(stdout).toMatch(/^- a\/order disabled on 1 replica in \d+ ms\n {4}messages to "shop\.order" are lost to it/);
  expect(stdout).toMatch(
    /- a\/price disabled on 1 replica in \d+ ms\n {4}requests to "shop\.price" get "no responders" at/,
  );
  expect(stdout).toMatch(/\n {4}by operator \S+@\S+: too slow, until .* \(in 2 h\)\n$/);
  await expect(stage.client.ask("shop.price")).rejects.toThrow(/no responders/);
  expect((await stage.client.askMany("shop.count")).length).toBe(3);
  expect(app.status("a/price").disabled).toMatchObject({ source: "operator", reason: "too slow" });
  expect((await handlers(app, "status", "a/price")).stdout).toMatch(/- a\/price +disabled +request +shop\.price/);

  const enabled = await handlers(app, "enable", "a/*");
  expect(enabled).toMatchObject({ code: 0, stderr: "" });
  expect(enabled.stdout).toMatch(/\+ a\/price enabled; serving on 1 replica in \d+ ms\n/);
  expect((await stage.client.ask("shop.price")).value).toEqual({ cents: 250 });
  expect((await handlers(app, "enable", "a/price")).stdout).toMatch(/a\/price was not off; serving/);
});

it("a name that no replica knows is refused with the one that was meant, unless it is to come", async () => {
  const app = await stage.start({ handlers: { "price.js": PRICE } });
  for (const command of ["disable", "enable", "inspect", "status", "reload", "invoke", "logs"]) {
    const { code, stderr } = await handlers(app, command, "prise");
    expect(stderr).toContain('HANDLER_NOT_FOUND: no replica has a handler "prise". Did you mean "price"?');
    expect(code).toBe(2);
  }
  expect((await handlers(app, "disable", "late", "--force")).code).toBe(0);
  app.project.write("late.js", PRICE.replace("shop.price", "shop.late"));
  await app.next("handler.disabled", { handler: "late" });
  await expect(stage.client.ask("shop.late")).rejects.toThrow(/no responders/);
  await handlers(app, "enable", "late");
  expect((await stage.client.ask("shop.late")).value).toEqual({ cents: 250 });
});

it("disable works while no runtime runs, says so, and holds from the next start on", async () => {
  const app = await stage.start({ handlers: { "price.js": PRICE } });
  await app.close();
  const { code, stdout, stderr } = await handlers(app, "disable", "price");
  expect({ code, stderr }).toEqual({
    code: 0,
    stderr: '! no runtime of app "shop" runs: it holds from the next start on\n',
  });
  expect(stdout).toMatch(/^- price disabled\n/);
  const next = await stage.start({ project: app.project });
  expect(next.status("price")).toMatchObject({ state: "disabled", disabled: { source: "operator" } });
  expect((await handlers(next, "enable", "price")).code).toBe(0);
});

it("list and check mark what configuration, environment and metadata disable", async () => {
  const off = ORDER.replace('"shop.order"', '"shop.order", disabled: true');
  const app = await stage.start({ handlers: { "order.js": off, "price.js": PRICE, "count.mjs": COUNT } });
  const env = { HANDLERS_DISABLED: "p*" };
  const listed = fakeTerminal({ cwd: app.project.rootDir, env });
  await run(["list", "--json"], listed);
  const { handlers: told } = JSON.parse(listed.stdout()) as { handlers: { name: string; disabledBy?: string }[] };
  expect(told.map(({ name, disabledBy }) => [name, disabledBy])).toEqual([
    ["count", undefined],
    ["order", "metadata"],
    ["price", "env"],
  ]);
  const checked = fakeTerminal({ cwd: app.project.rootDir, env });
  await run(["check"], checked);
  expect(checked.stdout()).toMatch(/✓ price +request +shop\.price +\d+ B · disabled by env\n/);
});

it("configuration and environment are not overruled by enable, and both are shown", async () => {
  const app = await stage.start({ handlers: { "price.js": PRICE }, config: { disabled: ["price"] } });
  await handlers(app, "disable", "price");
  expect((await handlers(app, "status")).stdout).toContain("disabled by config (`disabled` in handlers.config.ts)");
  const { code, stdout } = await handlers(app, "enable", "price");
  expect(code).toBe(1);
  expect(stdout).toMatch(/! price enabled; disabled in \d+ ms\n {4}still disabled by config/);
});

it("metadata that disables a handler is taken back by a save, also while an operator holds it off", async () => {
  const off = PRICE.replace('kind: "request"', 'kind: "request", disabled: true');
  const app = await stage.start({ handlers: { "price.js": off } });
  const told = await handlers(app, "enable", "price");
  expect(told.code).toBe(1);
  expect(told.stdout).toMatch(/price was not disabled by an operator; disabled\n {4}still disabled by metadata/);
  await app.after(() => app.project.write("price.js", PRICE), "handler.serving", { handler: "price" });
  await app.after(() => app.project.write("price.js", off), "handler.disabled", { handler: "price" });
  await handlers(app, "disable", "price");
  app.project.write("price.js", PRICE);
  expect((await handlers(app, "enable", "price")).code).toBe(0);
  expect((await stage.client.ask("shop.price")).value).toEqual({ cents: 250 });
});

it("what is in hand is finished first, unless --now ends it", async () => {
  const app = await stage.start({ handlers: {} });
  app.project.copy("waits-at-a-gate.ts", "gated.ts");
  await app.next("handler.serving", { handler: "gated" });
  const gate = stage.client.connection.subscribe("gate");
  const asked = gate[Symbol.asyncIterator]();
  const handled = await stage.client.collect<{ n: number }>("handled.gated");

  stage.client.publish("gated", 1);
  const first = await asked.next();
  const told = await handlers(app, "disable", "gated");
  expect(told.stdout).toContain("1 message in hand is finished first; --now ends them");
  expect((await json<StatusJson>(app, "status", "gated")).handlers).toMatchObject([{ state: "disabled", inFlight: 1 }]);
  first.value.respond("1");
  expect(await handled.until(1)).toMatchObject([{ n: 1 }]);

  await handlers(app, "enable", "gated");
  stage.client.publish("gated", 2);
  await asked.next();
  const retired = app.mark();
  await handlers(app, "disable", "gated");
  await handlers(app, "disable", "gated", "--now");
  await app.next("generation.retired", { handler: "gated" }, retired);
  expect((await json<StatusJson>(app, "status", "gated")).handlers).toMatchObject([{ state: "disabled", inFlight: 0 }]);
  expect(handled.values).toHaveLength(1);
  await handlers(app, "enable", "gated");
});

it("invoke runs a handler once, also a disabled one, and prints its reply, its replies, or its error with the place", async () => {
  const app = await stage.start({ handlers: { "order.js": ORDER, "price.js": PRICE, "count.mjs": COUNT } });
  await handlers(app, "disable", "price", "order");
  expect(await handlers(app, "invoke", "price", "{}")).toMatchObject({ code: 0, stdout: '{"cents":250}\n' });
  expect(await handlers(app, "invoke", "count")).toMatchObject({ code: 0, stdout: "1\n2\n" });
  const ran = await stage.client.collect<{ n: number }>("ran.order");
  const done = await handlers(app, "invoke", "order", '{"n":7}');
  expect(done).toMatchObject({ code: 0, stdout: "" });
  expect(done.stderr).toMatch(/^returned after \d+ ms on replica \w+ \(/);
  expect(await ran.until(1)).toMatchObject([{ n: 7 }]);
  const failed = await handlers(app, "invoke", "order", '{"fail":true}');
  expect(failed).toMatchObject({ code: 1, stdout: "" });
  expect(failed.stderr).toMatch(/^HANDLER_THREW: .*no such order\nhandlers\/order\.js:3:\d+\n/);
  expect((await handlers(app, "invoke", "order", "{oops")).code).toBe(2);
  expect(app.status("price").state).toBe("disabled");
  await handlers(app, "enable", "price", "order");
});

it("enable brings a quarantined handler back at once", async () => {
  const app = await stage.start({ handlers: { "price.js": PRICE }, clock: hurriedRestarts });
  app.project.copy("exits-the-process.ts", "culprit.ts");
  await app.next("handler.serving", { handler: "culprit" });
  const from = app.mark();
  const until = app.next("handler.quarantined", { handler: "culprit" }, from).then(() => true);
  for (let isSetAside = false; !isSetAside; ) {
    const at = app.mark();
    stage.client.publish("culprit", { bad: true });
    const served = app.next("handler.serving", { handler: "culprit" }, at).then(() => false);
    isSetAside = await Promise.race([until, served]);
  }
  expect(await stateOf(app, "culprit")).toBe("quarantined");
  const { code, stdout } = await handlers(app, "enable", "culprit");
  expect(stdout).toMatch(/\+ culprit started again; serving on 1 replica/);
  expect(code).toBe(0);
  const handled = await stage.client.collect("handled.culprit");
  stage.client.publish("culprit", { n: 5 });
  expect(await handled.until(1)).toEqual([5]);
});

it("enable tells why a handler still does not come up", async () => {
  const app = await stage.start({ handlers: { "price.js": "throw new Error('no licence');\n" } });
  const { code, stdout } = await handlers(app, "enable", "price");
  expect(code).toBe(1);
  expect(stdout).toMatch(
    /! price started again; (failed|backing-off) in \d+ ms\n {4}HANDLER_LOAD_FAILED: .*no licence/,
  );
});

it("the last known intents hold when the bucket is deleted, and stand in the next one", async () => {
  const app = await stage.start({ handlers: { "price.js": PRICE, "order.js": ORDER } });
  await handlers(app, "disable", "price", "--reason", "kept");
  const { connection } = stage.client;
  await connection.request("$JS.API.STREAM.DELETE.KV_shop_handlers");
  // A command makes the bucket anew; the runtime finds it, and its own intent goes into it.
  expect((await handlers(app, "disable", "order")).code).toBe(0);
  expect(await stateOf(app, "price")).toBe("disabled");
  await app.close();
  const next = await stage.start({ project: app.project });
  expect(next.status("price")).toMatchObject({ state: "disabled", disabled: { reason: "kept" } });
  expect((await handlers(next, "enable", "price", "order")).code).toBe(0);
});

it("a bucket that is removed is made anew with what was off, and the log says so", async () => {
  const app = await stage.start({ handlers: { "price.js": PRICE, "order.js": ORDER } });
  await handlers(app, "disable", "price", "--reason", "kept");
  const isTold = ({ message }: { message: string }) => message.includes('"shop_handlers" was removed');
  const remove = () => stage.client.connection.request("$JS.API.STREAM.DELETE.KV_shop_handlers");
  const { level, message } = await app.after(remove, "runtime.notice", isTold);
  expect([level, message.endsWith("stays so, and is written into it: price")]).toEqual(["warn", true]);
  expect(app.status("price")).toMatchObject({ state: "disabled", disabled: { reason: "kept" } });
  expect((await handlers(app, "enable", "price")).code).toBe(0);
  expect(await stateOf(app, "price")).not.toBe("disabled");
});

it("a replica that starts when the bucket has just been removed serves nothing that is off", async () => {
  const served =
    'export const metadata = { subject: "shop.served" }; export default (e, ctx) => ctx.publish("served", e);';
  const older = await stage.start({ handlers: { "served.js": served } });
  await handlers(older, "disable", "served", "--reason", "kept");
  const told = await stage.client.collect("served");
  await stage.client.connection.request("$JS.API.STREAM.DELETE.KV_shop_handlers");
  const newer = await stage.start({ project: older.project });
  expect(newer.status("served")).toMatchObject({ state: "disabled", disabled: { reason: "kept" } });
  expect(newer.told("handler.bound").filter(({ handler }) => handler === "served")).toEqual([]);
  stage.client.publish("shop.served", {});
  expect((await handlers(newer, "enable", "served")).code).toBe(0);
  stage.client.publish("shop.served", { last: true });
  expect((await told.until(1))[0]).toEqual({ last: true });
});

it("start refuses rather than serve what may have been turned off, when the bucket cannot be had", async () => {
  const { url } = stage.server;
  const other = await connect({ servers: url });
  // An app name whose bucket stream exists with subjects of another: the bucket cannot be made.
  const stream = { name: "TAKES_IT", subjects: ["$KV.taken_handlers.>"], storage: "memory" };
  await other.request("$JS.API.STREAM.CREATE.TAKES_IT", JSON.stringify(stream));
  await expect(stage.start({ handlers: { "price.js": PRICE }, config: { app: "taken" } })).rejects.toMatchObject({
    code: "NATS_REFUSED",
    message: expect.stringContaining('the bucket "taken_handlers" that says which handlers are disabled'),
  });
  await other.close();
});

it("send says when nobody takes the message, and request passes over the confirmation of a stream", async () => {
  const ticks =
    'export const metadata = { subject: "shop.ticks", kind: "request" }; export default async function* () { yield 1; yield 2; }';
  const app = await stage.start({ handlers: { "price.js": PRICE, "order.js": ORDER, "ticks.js": ticks } });
  expect((await handlers(app, "send", "shop.nothing", "{}")).stderr).toBe(
    '! nobody takes "shop.nothing" now: the message is lost\n',
  );
  expect((await handlers(app, "send", "shop.order", "{}")).stderr).toBe("");
  expect(await json(app, "send", "shop.nothing", "{}")).toMatchObject({ taken: false });
  await stage.client.connection.request(
    "$JS.API.STREAM.CREATE.ALL",
    JSON.stringify({ name: "ALL", subjects: ["shop.>"] }),
  );
  const answered = await handlers(app, "request", "shop.price", "{}");
  expect([answered.code, JSON.parse(answered.stdout)]).toEqual([0, { cents: 250 }]);
  const streamed = await handlers(app, "request", "shop.ticks", "{}", "--stream");
  expect([streamed.code, streamed.stdout]).toEqual([0, "1\n2\n"]);
  expect(streamed.stderr).toMatch(/^! stream "ALL" takes "shop\.ticks" too/);
  const unanswered = await handlers(app, "request", "shop.nothing", "{}", "--timeout", "300ms");
  await stage.client.connection.request("$JS.API.STREAM.DELETE.ALL");
  expect([unanswered.code, unanswered.stdout]).toEqual([4, ""]);
  expect(unanswered.stderr).toMatch(/REQUEST_FAILED: "shop.nothing" was stored in stream "ALL", and not answered/);
});
