// Three replicas as three processes: one command turns a handler off on all of them, and on again.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { systemClock } from "../../runtime/clock.ts";
import { type Collector, connectClient, type TestClient } from "../support/client.ts";
import { startTestServer, type TestServer } from "../support/nats-server.ts";
import { childProcesses, freeze, noneLeft } from "../support/processes.ts";
import { type Replicas, startLoad, startReplicas } from "../support/replicas.ts";

interface Ran {
  readonly n: number;
  /** The folder of the replica. */
  readonly home: string;
}

/** Tells of every message it has run, and in which replica. */
const telling = (
  name: string,
  kind: string,
) => `export const metadata = { subject: "${kind}.${name}", kind: "${kind}" };
export default async (event, ctx) => {
  await ctx.publish("ran.${name}", { n: event.n, home: process.cwd() });
  ${kind === "request" ? "return { n: event.n };" : ""}
};\n`;

const FILES = {
  "victims/event.js": telling("victim", "event"),
  "victims/durable.js": telling("stored", "durable"),
  "victims/request.js": telling("asked", "request"),
  "neighbour.js": telling("neighbour", "event"),
};

const NO_ENVIRONMENT = {};

let server: TestServer;
let client: TestClient;
let before: ReadonlySet<number>;
let replicas: Replicas | undefined;
/** Three that go on from story to story, and end before others of their app are started. */
let trio: Replicas | undefined;

beforeAll(async () => {
  before = childProcesses();
  server = await startTestServer();
  const made = await connectClient(server.url);
  const stream = { name: "SHOP", subjects: ["durable.>"], storage: "memory" };
  await made.connection.request("$JS.API.STREAM.CREATE.SHOP", JSON.stringify(stream));
  await made.connection.close();
});
beforeEach(async () => {
  client = await connectClient(server.url);
});
afterEach(async () => {
  await replicas?.close();
  replicas = undefined;
  if (trio === undefined) await forgetIntents();
  else await trio.cli("enable", "neighbour", "victims/*");
  await client.connection.close();
});
afterAll(async () => {
  await trio?.close();
  await server?.stop();
  await noneLeft(before);
});

const forgetIntents = () => client.connection.request("$JS.API.STREAM.DELETE.KV_shop_handlers");

async function endTrio(): Promise<void> {
  if (trio === undefined) return;
  await trio.close();
  trio = undefined;
  await forgetIntents();
}

async function start(...environments: Readonly<Record<string, string>>[]): Promise<Replicas> {
  return startWith(FILES, environments);
}

async function startWith(
  files: Readonly<Record<string, string>>,
  environments: readonly Readonly<Record<string, string>>[],
): Promise<Replicas> {
  await endTrio();
  replicas = await startReplicas({ url: server.url, files, environments });
  return replicas;
}

async function three(): Promise<Replicas> {
  const environments = [NO_ENVIRONMENT, NO_ENVIRONMENT, NO_ENVIRONMENT];
  trio ??= await startReplicas({ url: server.url, files: FILES, environments });
  return trio;
}

/** Resolves once every replica has run something. */
async function allRun(collector: Collector<Ran>, homes: readonly string[]): Promise<void> {
  await collector.when((values) => homes.every((home) => values.some((ran) => ran.home === home)));
  expect(new Set(collector.values.map(({ home }) => home))).toEqual(new Set(homes));
}

function numbers(collector: Collector<Ran>): number[] {
  return collector.values.map(({ n }) => n).sort((a, b) => a - b);
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, n) => n);
}

interface StatusJson {
  readonly handlers: readonly {
    readonly name: string;
    readonly state: string;
    readonly pending?: number;
    readonly replicas: readonly {
      readonly replica: { readonly instance: string; readonly pid: number };
      readonly handler: {
        readonly state: string;
        readonly pids: readonly number[];
        readonly disabled?: { readonly source: string };
      };
    }[];
  }[];
}

async function status(app: Replicas, name: string) {
  const { handlers } = await app.json<StatusJson>("status", name);
  return handlers[0]!;
}

it("a handler that is off for two seconds comes on again by itself, on every replica, and not before", async () => {
  const app = await three();
  const askedAtMs = Date.now();
  const { handlers } = await app.json<{ handlers: unknown[] }>("disable", "victims/event", "--for", "2s");
  expect(handlers).toHaveLength(1);
  await Promise.all(
    app.processes.map((replica) => replica.printed(/handler.disabled[\s\S]*"event":"handler.enabled"/)),
  );
  const onMs = app.lines("handler.enabled").map(({ time }) => Date.parse(String(time)) - askedAtMs);
  expect(onMs).toHaveLength(3);
  expect(Math.min(...onMs)).toBeGreaterThanOrEqual(2_000);
  console.log(`disabled for 2 s: on again after ${onMs.join(", ")} ms`);
  await Promise.all(app.processes.map((replica) => replica.printed(/enabled[\s\S]*"event":"handler.serving"/)));
  expect((await status(app, "victims/event")).state).toBe("serving");
  expect(await app.cli("status", "victims/event")).toMatchObject({
    code: 0,
    stdout: expect.not.stringContaining("disabled"),
  });
});

it("a replica that stands still when the command begins is named too, and obeys as soon as it goes on", async () => {
  const app = await three();
  const [, still] = app.pids();
  await freeze(still!);
  const { code, stdout, stderr } = await app.cli("disable", "neighbour", "--wait", "1s");
  const disabled = app.processes[1]!.printed(/"event":"handler.disabled","handler":"neighbour"/);
  process.kill(still!, "SIGCONT");
  expect(stdout).toMatch(/- neighbour disabled on 2 replicas in/);
  expect(stderr).toMatch(new RegExp(`^✗ replica \\w{8} \\(.*, pid ${still}\\) has not applied it within 1 s\n$`));
  expect(code).toBe(1);
  await disabled;
  const again = await app.json<{ done: unknown[]; late: unknown[] }>("disable", "neighbour");
  expect([again.done.length, again.late]).toEqual([3, []]);
});

it("status and reload name a replica that stands still", async () => {
  const app = await three();
  const [, still] = app.pids();
  await freeze(still!);
  const [shown, json, reloaded] = [
    await app.cli("status"),
    await app.json<{ replicas: unknown[]; silent: { pid: number }[] }>("status"),
    await app.cli("reload", "neighbour"),
  ];
  process.kill(still!, "SIGCONT");
  const named = new RegExp(`^✗ replica \\w{8} \\(.*, pid ${still}\\) does not answer$`, "m");
  expect([shown.code, shown.stdout]).toEqual([0, expect.stringMatching(named)]);
  expect(shown.stdout).toContain("shop · 2 replicas · 4 handlers");
  expect([json.replicas.length, json.silent.map(({ pid }) => pid)]).toEqual([2, [still]]);
  expect([reloaded.code, reloaded.stderr]).toEqual([1, expect.stringMatching(named)]);
  expect(reloaded.stdout.match(/↻ neighbour/g)?.length).toBe(2);
});

it("logs --follow brings the lines of all replicas, status --watch looks again, and Ctrl-C ends both", async () => {
  const app = await three();
  const watch = app.follow("status", "--watch");
  await watch.printed(/(shop · 3 replicas · 4 handlers[\s\S]*){2}/);
  watch.child.kill("SIGINT");
  expect(await watch.ended).toMatchObject({ code: 0, stderr: "" });
  const logs = app.follow("logs", "neighbour", "--follow", "--json", "--log-level", "debug");
  await logs.printed(/"handler":"neighbour"/);
  const { replicas: each } = await status(app, "neighbour");
  await app.cli("reload", "neighbour");
  for (const { replica } of each)
    await logs.printed(new RegExp(`"event":"handler.serving"[^\\n]*"why":"reload"[^\\n]*"${replica.instance}"`));
  logs.child.kill("SIGINT");
  expect(await logs.ended).toMatchObject({ code: 0, stderr: "" });
});

it("reload makes a new process of an unchanged handler on every replica, and loses no message", async () => {
  const app = await three();
  const before = (await status(app, "neighbour")).replicas.flatMap(({ handler }) => handler.pids);
  const neighbour = await client.collect<Ran>("ran.neighbour");
  const load = startLoad((n) => client.publish("event.neighbour", { n }), 1);
  await allRun(neighbour, app.homes);
  const reloaded = await app.cli("reload", "neighbour");
  expect(reloaded.stdout).toMatch(/^(↻ neighbour {2}\w+ {2}\d+ ms +serving \w{8}\n){3}$/);
  expect(reloaded.code).toBe(0);
  const after = (await status(app, "neighbour")).replicas.flatMap(({ handler }) => handler.pids);
  expect(after).toHaveLength(3);
  expect(after.filter((pid) => before.includes(pid))).toEqual([]);
  const sent = load.stop();
  await neighbour.until(sent);
  expect(numbers(neighbour)).toEqual(upTo(sent));
});

it("one command under load: off everywhere, the neighbour untouched, still off after a restart, then the backlog", async () => {
  const app = await three();
  const neighbour = await client.collect<Ran>("ran.neighbour");
  const victim = await client.collect<Ran>("ran.victim");
  const stored = await client.collect<Ran>("ran.stored");
  let lastRunMs = 0;
  client.connection.subscribe("ran.victim", {
    callback: () => {
      lastRunMs = systemClock.monotonicMs();
    },
  });
  let saidMs = 0;
  client.connection.subscribe("$KV.shop_handlers.*", {
    callback: () => {
      saidMs ||= systemClock.monotonicMs();
    },
  });
  const load = startLoad((n) => {
    client.publish("event.neighbour", { n });
    client.publish("event.victim", { n });
    client.publish("durable.stored", { n });
  });
  await Promise.all([neighbour, victim, stored].map((collector) => allRun(collector, app.homes)));

  const told = await app.json<{ tookMs: number; done: unknown[]; late: unknown[] }>("disable", "victims/*");
  expect(told).toMatchObject({ ok: true, late: [] });
  expect(told.done).toHaveLength(3);
  const [ranBefore, storedBefore] = [victim.values.length, stored.values.length];
  const passed = neighbour.values.length;
  await neighbour.until(passed + 100);
  expect(victim.values).toHaveLength(ranBefore);
  expect(stored.values).toHaveLength(storedBefore);
  console.log(
    `disabled on 3 replicas: the command says ${Math.round(told.tookMs)} ms; last run ${Math.round(lastRunMs - saidMs)} ms after the intent was stored`,
  );
  await expect(client.ask("request.asked", { n: 0 })).rejects.toThrow(/no responders/);
  const sent = load.stop();
  await neighbour.until(sent);
  expect(numbers(neighbour)).toEqual(upTo(sent));

  await app.restart();
  const off = await status(app, "victims/durable");
  expect(off.replicas.map(({ handler }) => handler.state)).toEqual(["disabled", "disabled", "disabled"]);
  expect(off.pending).toBe(sent - storedBefore);
  client.publish("event.neighbour", { n: sent });
  await neighbour.until(sent + 1);
  expect(stored.values).toHaveLength(storedBefore);

  const enabled = await app.cli("enable", "victims/*");
  expect(enabled.stdout).toMatch(
    /\+ victims\/durable enabled; serving on 3 replicas in \d+ ms\n {4}\d+ messages waited/,
  );
  expect(enabled.code).toBe(0);
  await stored.until(sent);
  expect(numbers(stored)).toEqual(upTo(sent));
  expect((await client.ask("request.asked", { n: 7 })).value).toEqual({ n: 7 });
});

it("a container's HANDLERS_DISABLED is not overruled by enable, and is shown", async () => {
  const app = await start(NO_ENVIRONMENT, { HANDLERS_DISABLED: "victims/*" }, NO_ENVIRONMENT);
  const asked = await client.collect<Ran>("ran.asked");
  await app.cli("disable", "victims/request");
  const enabled = await app.cli("enable", "victims/request");
  expect(enabled.code).toBe(0);
  expect(enabled.stdout).toMatch(/! victims\/request enabled; serving on 2 of 3 replicas in \d+ ms\n/);
  expect(enabled.stdout).toContain("still disabled by env (HANDLERS_DISABLED) (1 of 3 replicas)");
  const { replicas: each } = await status(app, "victims/request");
  const byPid = new Map(each.map(({ replica, handler }) => [replica.pid, handler]));
  const [, second] = app.pids();
  expect(byPid.get(second!)).toMatchObject({ state: "disabled", disabled: { source: "env" } });
  for (let n = 0; n < 30; n++) await client.ask("request.asked", { n });
  await asked.until(30);
  expect(new Set(asked.values.map(({ home }) => home))).toEqual(new Set([app.homes[0], app.homes[2]]));
});

it("a replica that does not apply the intent is named, and the command fails", async () => {
  const app = await start(NO_ENVIRONMENT);
  const [handlers] = (await app.json<StatusJson>("status")).handlers.map(({ replicas: [held] }) => held?.handler);
  const replica = { instance: "deafdeaf", host: "elsewhere", pid: 7, startedAtMs: 0 };
  client.connection.subscribe("_HANDLERS.shop.status", {
    callback: (_error, request) => void request.respond(JSON.stringify({ replica, handlers: [handlers] })),
  });
  await client.flush();
  const { code, stdout, stderr } = await app.cli("disable", "neighbour", "--wait", "200ms");
  expect(stdout).toMatch(/- neighbour disabled on 1 replica in/);
  expect(stderr).toBe("✗ replica deafdeaf (elsewhere, pid 7) has not applied it within 0.2 s\n");
  expect(code).toBe(1);
});

it("a replica that was killed is not waited for", async () => {
  const app = await start(NO_ENVIRONMENT, NO_ENVIRONMENT);
  const [killed] = app.processes;
  killed!.child.kill("SIGKILL");
  await killed!.ended;
  const told = await app.json<{ done: unknown[]; late: unknown[] }>("disable", "neighbour");
  expect([told.done.length, told.late]).toEqual([1, []]);
});

it.each([
  ["disable", /"event":"handler.disabled"/],
  ["enable", /"event":"handler.disabled"[\s\S]*"event":"handler.serving"/],
])("%s does not wait for a replica that is killed before it has applied it", async (command, applied) => {
  const app = await start(NO_ENVIRONMENT, NO_ENVIRONMENT);
  if (command === "enable") await app.cli("disable", "neighbour");
  const [still, living] = app.processes;
  await freeze(still!.pid);
  const ending = app.json<{ ok: boolean; gone: unknown[]; late: unknown[] }>(command, "neighbour", "--wait", "10m");
  await living!.printed(applied);
  still!.child.kill("SIGKILL");
  expect(await ending).toMatchObject({ ok: true, late: [], gone: [{ pid: still!.pid }] });
});

/** Two replicas are told to reload a handler, and one of them never gets there: it goes by the signal. */
async function reloadWhileOneGoes(signal: "SIGKILL" | "SIGTERM") {
  const hangs = `import { existsSync } from "node:fs";
if (existsSync("hang")) await new Promise((resolve) => setTimeout(resolve, 1e9));
export const metadata = { subject: "shop.hangs" };
export default () => {};\n`;
  const app = await startWith({ "hangs.js": hangs }, [NO_ENVIRONMENT, NO_ENVIRONMENT]);
  writeFileSync(join(app.homes[0]!, "hang"), "");
  const [going, living] = app.processes;
  const ending = app.cli("reload", "hangs");
  await living!.printed(/"event":"handler.serving"[^\n]*"why":"reload"/);
  going!.child.kill(signal);
  return { ...(await ending), pid: going!.pid };
}

it("reload does not wait for a replica that is killed before it has reloaded", async () => {
  const { code, stdout, stderr, pid } = await reloadWhileOneGoes("SIGKILL");
  expect([code, stdout.match(/↻ hangs/g)?.length]).toEqual([0, 1]);
  expect(stderr).toMatch(new RegExp(`^- replica \\w{8} \\(.*, pid ${pid}\\) has gone meanwhile\n$`));
});

it("reload is told by a replica that is stopped before it has reloaded", async () => {
  const { code, stdout, stderr } = await reloadWhileOneGoes("SIGTERM");
  expect([code, stderr, stdout.match(/↻ hangs .* stopped/g)?.length]).toEqual([0, "", 1]);
});
