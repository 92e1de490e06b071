// `group`: handlers that share one process, and what that process has: modules, connections, its end.
// @module-tag any-server

import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { runCli, startCli } from "../support/cli-process.ts";
import { ended } from "../support/processes.ts";
import { createProject } from "../support/project.ts";
import { type TestRuntime, useStage } from "../support/runtime.ts";
import { startTraffic } from "../support/traffic.ts";

const stage = useStage();

let database: Server;
let port: number;
const open = new Set<Socket>();

beforeAll(async () => {
  database = createServer((socket) => {
    open.add(socket);
    database.emit("changed");
    socket.resume().on("error", () => undefined);
    socket.on("close", () => {
      open.delete(socket);
      database.emit("changed");
    });
  }).listen(0, "127.0.0.1");
  await once(database, "listening");
  port = (database.address() as AddressInfo).port;
});
afterAll(() => database.close());

async function connections(count: number): Promise<void> {
  while (open.size !== count) await once(database, "changed");
}

/** A module of the project's own that opens one connection when it is first imported, as a pool does. */
const pool = `
  import { connect } from "node:net";
  import { once } from "node:events";
  export const connection = connect(Number(process.env.DATABASE_PORT), "127.0.0.1");
  export const connected = once(connection, "connect");
  let calls = 0;
  export const count = () => ++calls;`;

const member = (name: string, options = 'group: "orders"', more = "") => `
  import { connected, count } from "./_pool.ts";
  export const metadata = { subject: "${name}", env: ["DATABASE_PORT"], ${options} };
  export const setup = () => connected;
  export default async ({ id }, ctx) => {
    ${more}
    await ctx.publish("handled.${name}", { id, pid: process.pid, calls: count(), attempt: ctx.attempt, version: "first" });
  };`;

function contentOf(folder: string): Record<string, string> {
  return Object.fromEntries(
    readdirSync(folder)
      .sort()
      .map((name) => [name, readFileSync(join(folder, name), "utf8")]),
  );
}

interface Handled {
  readonly id: number;
  readonly pid: number;
  readonly calls: number;
  readonly attempt: number;
  readonly version: string;
}

function start(handlers: Record<string, string>): Promise<TestRuntime> {
  return stage.start({ handlers: { ...handlers, "_pool.ts": pool }, environment: { DATABASE_PORT: String(port) } });
}

function say(app: TestRuntime, ...args: string[]) {
  return runCli([...args, "--app", "shop"], { cwd: app.project.rootDir, env: { NATS_URL: stage.server.url } });
}

it("two of a group have one process, one module and one connection; a third has its own", async () => {
  const handlers = { "one.ts": member("one"), "two.ts": member("two"), "apart.ts": member("apart", "") };
  const app = await start(handlers);
  const [one, two, apart] = await Promise.all(
    ["one", "two", "apart"].map((name) => stage.client.collect<Handled>(`handled.${name}`)),
  );
  for (const name of ["one", "two", "apart"]) stage.client.publish(name, { id: 1 });
  const pids = await Promise.all([one!, two!, apart!].map(async (each) => (await each.until(1))[0]!.pid));
  expect(pids[0]).toBe(pids[1]);
  expect(pids[2]).not.toBe(pids[0]);
  expect(app.status("one").pids).toEqual(app.status("two").pids);
  await connections(2);
});

for (const [how, code] of [
  ["exits the process", "process.exit(3)"],
  ["throws in a timer", 'setTimeout(() => { throw new Error("thrown"); }, 1); await new Promise(() => {})'],
  ["leaves a rejection", 'void Promise.reject(new Error("left")); await new Promise(() => {})'],
  ["loops forever", "for (;;);"],
  ["is killed", 'process.kill(process.pid, "SIGKILL"); await new Promise(() => {})'],
  ["never returns", "await new Promise(() => {})"],
]) {
  it(`only the culprit is charged when one of a group ${how}: the other's messages are handled all the same`, async () => {
    const bad = member("bad", 'group: "orders", timeout: "1500ms"', `if (id === 3) { ${code}; }`);
    const good = member("good", 'group: "orders"', "await new Promise((resolve) => setTimeout(resolve, 50));");
    const app = await start({ "bad.ts": bad, "good.ts": good });
    const [ofBad, ofGood] = await Promise.all(
      ["bad", "good"].map((name) => stage.client.collect<Handled>(`handled.${name}`)),
    );
    const failed = app.next("delivery.failed");
    const traffic = startTraffic(stage.client, "good", 100);
    for (let id = 1; id <= 5; id++) stage.client.publish("bad", { id });
    expect(await failed).toMatchObject({ handler: "bad" });
    await ofBad!.when((all) => new Set(all.map(({ id }) => id)).size === 4);
    const sent = await traffic.stop();
    await ofGood!.when((all) => new Set(all.map(({ id }) => id)).size === sent);
    const failures = app.told("delivery.failed");
    // What the culprit had done and not yet sent fails with its process, apart or in a group.
    const charged = failures.filter(({ outcome }) => outcome !== "threw");
    expect(charged.map(({ handler, id }) => `${handler} ${id.split(".").at(-1)}`)).toEqual(["bad 3"]);
    expect(failures.filter(({ handler }) => handler === "good")).toEqual([]);
    expect(app.told("handler.quarantined")).toEqual([]);
    expect(app.status("bad").pids).toEqual(app.status("good").pids);
  });
}

it("a save of one brings all of them over to a new process, each when it is ready, and loses nothing", async () => {
  const app = await start({ "one.ts": member("one"), "two.ts": member("two") });
  const before = app.status("one").pids;
  const [one, two] = await Promise.all(["one", "two"].map((name) => stage.client.collect<Handled>(`handled.${name}`)));
  const traffic = ["one", "two"].map((name) => startTraffic(stage.client, name, 300));
  await Promise.all([one!.until(30), two!.until(30)]);
  const versions = { one: app.status("one").version, two: app.status("two").version };
  const moved = app.next("handler.serving", { handler: "two", why: "reload" });
  const left = app.next("generation.retired", { handler: "two" });
  app.project.write("one.ts", member("one").replace('"first"', '"second"'));
  await Promise.all([moved, left]);
  const sent = await Promise.all(traffic.map((each) => each.stop()));
  const handled = await Promise.all([one!.until(sent[0]!), two!.until(sent[1]!)]);
  for (const [at, all] of handled.entries()) expect(new Set(all.map(({ id }) => id)).size).toBe(sent[at]);
  expect(app.status("one").pids).toEqual(app.status("two").pids);
  expect(app.status("one").pids).not.toEqual(before);
  expect(app.status("one").version).not.toBe(versions.one);
  expect(app.status("two").version).toBe(versions.two);
  expect(new Set(handled[0]!.map(({ version }) => version))).toEqual(new Set(["first", "second"]));
  expect(app.told("delivery.failed")).toEqual([]);
  await ended(before[0]!);
  await connections(1);
});

for (const [how, text, failure] of [
  ["does not build", "export const metadata = {", "BUNDLE_FAILED"],
  ["throws when it is loaded", `${member("one")}\nthrow new Error("not today");`, "HANDLER_LOAD_FAILED"],
  [
    "throws in setup",
    member("one").replace("() => connected", '() => { throw new Error("not today"); }'),
    "HANDLER_SETUP_FAILED",
  ],
] as const) {
  it(`a save that ${how} leaves all of them in the process that they were in`, async () => {
    const app = await start({ "one.ts": member("one"), "two.ts": member("two") });
    const { pids, version } = app.status("one");
    const failed = app.next("handler.failed", { handler: "one" });
    app.project.write("one.ts", text);
    expect((await failed).error.code).toBe(failure);
    const one = await stage.client.collect<Handled>("handled.one");
    stage.client.publish("one", { id: 1 });
    expect((await one.until(1))[0]).toMatchObject({ pid: pids[0], version: "first" });
    expect(app.status("one")).toMatchObject({ pids, version });
    expect(app.status("two").pids).toEqual(pids);
    const saved = app.next("handler.serving", { handler: "two", why: "reload" });
    app.project.write("one.ts", member("one").replace('"first"', '"third"'));
    await saved;
    expect(app.status("two").pids).toEqual(app.status("one").pids);
  });
}

it("operators see whose process it is, and what it holds once", async () => {
  const app = await start({ "one.ts": member("one"), "two.ts": member("two"), "apart.ts": member("apart", "") });
  const [pid] = app.status("one").pids;
  const ask = async (...args: string[]) => (await say(app, ...args)).stdout;
  expect(await ask("inspect", "one")).toMatch(new RegExp(`process +pid ${pid}, .*\\n.*group +orders, with two`));
  const { handlers } = JSON.parse(await ask("status", "one", "--json"));
  expect(handlers[0].replicas[0].handler).toMatchObject({ name: "one", group: "orders", sharesWith: ["two"] });
  if (process.platform !== "linux") return;
  const table = (await ask("status", "--connections")).split("\n").map((line) => line.trim().split(/\s{2,}/));
  expect(table.slice(1, 4)).toEqual([
    [`127.0.0.1:${port}`, "2 handlers", "2", "2", "1"],
    ["apart", "1", "1", "1"],
    ["one, two", "1", "1", "1"],
  ]);
});

it("one that joins by a save comes into the process with the others, and one that leaves has its own again", async () => {
  const app = await start({ "one.ts": member("one"), "two.ts": member("two"), "three.ts": member("three", "") });
  const joined = ["one", "two"].map((handler) => app.next("handler.serving", { handler, why: "reload" }));
  const alone = app.next("generation.retired", { handler: "three" });
  app.project.write("three.ts", member("three"));
  await Promise.all([...joined, alone]);
  expect(app.status("three").sharesWith).toEqual(["one", "two"]);
  const left = app.next("generation.retired", { handler: "three" });
  app.project.write("three.ts", member("three", ""));
  await left;
  expect(app.status("three").pids).not.toEqual(app.status("one").pids);
  expect(app.status("one").sharesWith).toEqual(["two"]);
});

it("one that is rolled back runs apart, which is told, and comes back to the others when that is over", async () => {
  const app = await start({ "back.ts": member("back"), "stays.ts": member("stays") });
  const { version = "" } = app.status("back");
  await app.next("version.kept", { handler: "back", version }, 0);
  const saved = app.next("handler.serving", { handler: "stays", why: "reload" });
  app.project.write("back.ts", member("back").replace('"first"', '"second"'));
  await saved;
  const [handled, told] = [await stage.client.collect<Handled>("handled.back"), app.next("runtime.notice")];
  await app.after(() => say(app, "rollback", "back", "--to", version), "handler.serving", { handler: "back", version });
  expect((await told).message).toMatch(
    /handler "back" runs in a process of its own instead of that of its group "orders"/,
  );
  stage.client.publish("back", { id: 1 });
  expect(await handled.until(1)).toMatchObject([{ version: "first", pid: app.status("back").pids[0] }]);
  expect(app.status("back").pids).not.toEqual(app.status("stays").pids);
  await app.after(() => say(app, "rollback", "back", "--off"), "handler.serving", { handler: "stays", why: "reload" });
  expect(app.status("back").pids).toEqual(app.status("stays").pids);
});

it("one that is turned off at once interrupts the others: their messages run again, uncharged", async () => {
  const waiting = 'const gate = await ctx.request("gate", { name: ctx.subject, pid: process.pid });';
  const app = await start({
    "left.ts": member("left", undefined, waiting),
    "right.ts": member("right", undefined, waiting),
  });
  const gate = await stage.client.collect<{ name: string; pid: number }>("gate");
  const right = await stage.client.collect<Handled>("handled.right");
  for (const name of ["left", "right"]) stage.client.publish(name, { id: 1 });
  const [first] = await gate.until(2);
  await app.after(() => say(app, "disable", "left", "--now"), "handler.serving", { handler: "right", why: "restart" });
  const [, , again] = await gate.until(3);
  expect(again).toMatchObject({ name: "right" });
  expect(again!.pid).not.toBe(first!.pid);
  gate.messages[2]!.respond("null");
  expect((await right.until(1))[0]).toMatchObject({ id: 1, pid: again!.pid });
  expect(app.told("delivery.failed").filter(({ handler }) => handler === "right")).toEqual([]);
});

it("one that is turned off leaves the process to the others, and turned on again it comes up with them in a new one", async () => {
  const app = await start({ "one.ts": member("one"), "two.ts": member("two") });
  const { pids } = app.status("two");
  await app.after(() => say(app, "disable", "one"), "generation.retired", { handler: "one" });
  const two = await stage.client.collect<Handled>("handled.two");
  stage.client.publish("two", { id: 1 });
  expect((await two.until(1))[0]!.pid).toBe(pids[0]);
  expect(app.status("one")).toMatchObject({ state: "disabled", pids: [] });
  await app.after(() => say(app, "enable", "one"), "handler.serving", { handler: "two", why: "reload" });
  expect(app.status("one").pids).toEqual(app.status("two").pids);
  expect(app.status("one").pids).not.toEqual(pids);
});

it("what one of them prints is told under its name", async () => {
  const says = (name: string) =>
    member(name, undefined, `await null; process.stdout.write("half of ${name}\\n"); console.error("${name} " + id);`);
  const app = await start({ "one.ts": says("one"), "two.ts": says("two") });
  const [one, two] = await Promise.all(["one", "two"].map((name) => stage.client.collect<Handled>(`handled.${name}`)));
  for (let id = 1; id <= 20; id++) for (const name of ["one", "two"]) stage.client.publish(name, { id });
  await Promise.all([one!.until(20), two!.until(20)]);
  await app.close();
  const lines = app.told("handler.output");
  for (const name of ["one", "two"]) {
    const own = lines.filter(({ handler }) => handler === name).map(({ line }) => line);
    expect(own.filter((line) => line === `half of ${name}`).length).toBe(20);
    expect(own.filter((line) => line.startsWith(`${name} `)).length).toBe(20);
    expect(own.length).toBe(40);
  }
});

it("a build has the group's program, the same bytes wherever it is made, and serves it in one process", async () => {
  const files = { "one.ts": member("one"), "two.ts": member("two"), "_pool.ts": pool };
  const [project, other] = [createProject(files), createProject(files, "further/down")];
  try {
    const env = { NATS_URL: stage.server.url, DATABASE_PORT: String(port) };
    for (const { rootDir } of [project, other])
      expect(await runCli(["build"], { cwd: rootDir, env })).toMatchObject({ code: 0, stderr: "" });
    const [groups, others] = [project, other].map(({ rootDir }) => contentOf(join(rootDir, "build/groups")));
    expect(Object.keys(groups!)).toEqual([
      expect.stringMatching(/^orders\.[0-9a-f]{12}\.mjs$/),
      expect.stringMatching(/\.mjs\.map$/),
    ]);
    expect(others).toEqual(groups);
    const [one, two] = await Promise.all(
      ["one", "two"].map((name) => stage.client.collect<Handled>(`handled.${name}`)),
    );
    const cli = startCli(["start", "--app", "shop"], { cwd: project.rootDir, env });
    try {
      await cli.printed(/"event":"runtime\.ready"/);
      for (const name of ["one", "two"]) stage.client.publish(name, { id: 1 });
      const [[first], [second]] = await Promise.all([one!.until(1), two!.until(1)]);
      expect(first!.pid).toBe(second!.pid);
      await connections(1);
    } finally {
      cli.child.kill("SIGTERM");
      expect((await cli.ended).code, cli.text()).toBe(0);
    }
  } finally {
    for (const each of [project, other]) each.end();
  }
});

it("stored messages of a group that is killed are all handled, and the innocent are charged no attempt", async () => {
  const stored = 'group: "orders", kind: "durable", retry: { attempts: 2, backoff: "1ms" }';
  const bad = member("kill.bad", stored, `if (id === 3) process.kill(process.pid, "SIGKILL");`);
  const good = member(
    "kill.good",
    `${stored}, concurrency: 4`,
    "await new Promise((resolve) => setTimeout(resolve, 20));",
  );
  const handlers = { "bad.ts": bad, "good.ts": good, "_pool.ts": pool };
  const config = { streams: [{ name: "KILL", subjects: ["kill.>"] }] };
  const app = await stage.start({ handlers, config, environment: { DATABASE_PORT: String(port) } });
  const [ofBad, ofGood] = await Promise.all(
    ["bad", "good"].map((name) => stage.client.collect<Handled>(`handled.kill.${name}`)),
  );
  const kept = app.next("delivery.failed", { handler: "bad", settled: "will be kept as a dead letter" });
  for (let id = 1; id <= 100; id++) stage.client.publish("kill.good", { id });
  for (let id = 1; id <= 5; id++) stage.client.publish("kill.bad", { id });
  expect((await kept).attempt).toBe(2);
  await ofBad!.when((all) => new Set(all.map(({ id }) => id)).size === 4);
  const all = await ofGood!.when((handled) => new Set(handled.map(({ id }) => id)).size === 100);
  expect(new Set(all.map(({ attempt }) => attempt))).toEqual(new Set([1]));
  expect(app.told("delivery.failed").every(({ handler }) => handler === "bad")).toBe(true);
  expect(app.told("handler.quarantined")).toEqual([]);
});
