// The commands as processes: what they print, what they end with, and that nothing is left of them.
// @module-tag any-server

import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect } from "@nats-io/transport-node";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "../../runtime/clock.ts";
import { readRuntimeFile } from "../../runtime/dev-server/runtime-file.ts";
import { type CliProcess, runCli, startCli } from "../support/cli-process.ts";
import { startTestServer, type TestServer } from "../support/nats-server.ts";
import { childProcesses, ended, noneLeft } from "../support/processes.ts";
import { createProject, type TestProject } from "../support/project.ts";

const EVENT = `export const metadata = { subject: "shop.order" };
export default (event, ctx) => ctx.log.info({ event }, "got it");\n`;
const REQUEST = `export const metadata = { subject: "shop.price", kind: "request" };
export default (event) => { if (event?.fail) throw new Error("no price"); return { cents: 250 }; };\n`;
const STREAM = `export const metadata = { subject: "shop.count", kind: "request" };
export default async function* () { yield 1; yield 2; }\n`;
/** Says that it has begun, then works until it is released. */
const SLOW = `export const metadata = { subject: "shop.slow", timeout: "60s" };
export default (event, ctx) => { ctx.log.info("begun"); return new Promise(() => {}); };\n`;
const LATE = `export const metadata = { subject: "shop.late" };
export default async (event, ctx) => {
  ctx.log.info("begun");
  await new Promise((resolve) => setTimeout(resolve, 500));
  ctx.log.info("ended");
};\n`;

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

let project: TestProject;
let before: Set<number>;
const running: CliProcess[] = [];

beforeEach(() => {
  before = childProcesses();
  project = createProject({ "order.js": EVENT, "price.js": REQUEST, "count.mjs": STREAM });
});
afterEach(async () => {
  for (const { child, ended: over } of running.splice(0)) {
    if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
    await over;
  }
  await noneLeft(before);
  project.end();
});

const cli = (args: string[], options: { env?: Record<string, string>; input?: string; nodeArgs?: string[] } = {}) =>
  runCli(args, { cwd: project.rootDir, ...options });

const withServer = () => ({ env: { NATS_URL: server.url } });

function start(args: string[], env: Record<string, string> = {}): CliProcess {
  const started = startCli(args, { cwd: project.rootDir, env });
  running.push(started);
  return started;
}

async function startDev(): Promise<CliProcess> {
  const dev = start(["dev", "--port", "0"]);
  await dev.printed(/serving.* ready in/);
  return dev;
}

describe("handlers dev", () => {
  it("shows what serves, serves a new file, and keeps the last good version through a bad save", async () => {
    const dev = await startDev();
    expect(dev.text()).toMatch(/✓ order +event +shop\.order +\d+ ms\n/);
    expect(dev.text()).toMatch(/✓ price +request +shop\.price +\d+ ms\n/);
    expect((await cli(["new", "hello"])).code).toBe(0);
    await dev.printed(/✓ hello +event +hello/);
    await cli(["send", "hello", '{"name":"world"}']);
    await dev.printed(/hello +│ received a message \{"event":\{"name":"world"\}\}/);

    project.write("price.js", REQUEST.replace("return {", "return {{"));
    await dev.printed(/✗ price +BUNDLE_FAILED[^✗]*handlers\/price\.js:2:\d+\n[^✗]*\^[^✗]*goes on serving/);
    expect((await cli(["request", "shop.price"])).stdout).toBe('{"cents":250}\n');
    project.write("price.js", REQUEST.replace("250", "300"));
    await dev.printed(/↻ price .*reloaded in \d+ ms/);
    expect((await cli(["request", "shop.price"])).stdout).toBe('{"cents":300}\n');
  });

  it("follows the configuration: says what needs a restart, and goes on when it is broken", async () => {
    const dev = await startDev();
    const config = (text: string) => writeFileSync(join(project.rootDir, "handlers.config.mjs"), text);
    config('export default { app: "store" };');
    await dev.printed(/changed: app\. Restart `handlers dev`/);
    config('export default { ap: "store" };');
    await dev.printed(/CONFIG_INVALID: ap is not an option\. Did you mean "app"\?[\s\S]*stays in force/);
    expect((await cli(["request", "shop.price"], { env: { HANDLERS_APP: "" } })).code).toBe(2);
    config('export default { logLevel: "debug" };');
    await dev.printed(/changed: app|the log level has changed/);
    expect((await cli(["request", "shop.price"])).code).toBe(0);
  });

  it("drains at the first Ctrl-C and ends with 0", async () => {
    const dev = await startDev();
    dev.child.kill("SIGINT");
    const { code, stdout } = await dev.ended;
    expect(stdout).toMatch(/draining, at most 25 s · Ctrl-C again to end now\n[\s\S]*stopped\n$/);
    expect(code).toBe(0);
    expect(existsSync(join(project.rootDir, ".handlers/runtime.json"))).toBe(false);
  });

  it("a terminal sends Ctrl-C to all that run in it: what is in hand is finished all the same", async () => {
    project.write("late.js", LATE);
    const dev = startCli(["dev", "--port", "0"], { cwd: project.rootDir, ownGroup: true });
    running.push(dev);
    await dev.printed(/ready in/);
    await cli(["send", "shop.late"]);
    await dev.printed(/late +│ begun/);
    process.kill(-dev.pid, "SIGINT");
    const { code, stdout } = await dev.ended;
    expect(stdout).not.toMatch(/WORKER_CRASHED/);
    expect(stdout).toMatch(/late +│ ended[\s\S]*stopped\n$/);
    expect(code).toBe(0);
  });

  it("ends at once with 130 at the second, whatever is in flight", async () => {
    project.write("slow.js", SLOW);
    const dev = await startDev();
    await cli(["send", "shop.slow"]);
    await dev.printed(/slow +│ begun/);
    dev.child.kill("SIGINT");
    await dev.printed(/draining/);
    // A second signal right after the first is the same press: the ones that come later count.
    const again = systemClock.every(50, () => dev.child.kill("SIGINT"));
    expect(await dev.ended).toMatchObject({ code: 130 });
    again.cancel();
  });

  it("names what did not end in its time, and ends with 1", async () => {
    project.write("slow.js", SLOW);
    const dev = start(["dev", "--port", "0", "--drain", "50ms"]);
    await dev.printed(/ready in/);
    await cli(["send", "shop.slow"]);
    await dev.printed(/slow +│ begun/);
    dev.child.kill("SIGTERM");
    const { code, stdout } = await dev.ended;
    expect(stdout).toMatch(/stopped before these had ended:\n +slow: shop\.slow/);
    expect(code).toBe(1);
  });

  it("leaves neither workers nor nats-server behind when it is killed", async () => {
    const dev = await startDev();
    const { pid: serverPid } = readRuntimeFile(join(project.rootDir, ".handlers"))!;
    dev.child.kill("SIGKILL");
    await dev.ended;
    await ended(serverPid);
    expect((await cli(["send", "shop.order", "1"])).stderr).toContain("no `handlers dev` runs in");
  });
});

describe("send and request", () => {
  it("send publishes bytes and headers as given; the payload can come from stdin", async () => {
    const connection = await connect({ servers: server.url });
    const received = connection.subscribe("any.subject", { max: 2 });
    await connection.flush();
    await cli(["send", "any.subject", '{ "a": 1 }', "-H", "trace=1", "--server", server.url]);
    const { stdout } = await cli(["send", "any.subject", "-", "--raw", "--json"], {
      ...withServer(),
      input: "not JSON",
    });
    expect(JSON.parse(stdout)).toEqual({ subject: "any.subject", bytes: 8, taken: true });
    const messages = [];
    for await (const message of received) messages.push([message.string(), message.headers?.get("trace")]);
    expect(messages).toEqual([
      ['{ "a": 1 }', "1"],
      ["not JSON", undefined],
    ]);
    await connection.close();
  });

  it("send tells the stream and the sequence of a message that is stored", async () => {
    const connection = await connect({ servers: server.url });
    const stream = { name: "SHOP", subjects: ["stored.*"], storage: "memory" };
    await connection.request("$JS.API.STREAM.CREATE.SHOP", JSON.stringify(stream));
    await cli(["send", "stored.a", "1"], withServer());
    const { stdout } = await cli(["send", "stored.b", "2", "--json"], withServer());
    expect(JSON.parse(stdout)).toEqual({ subject: "stored.b", bytes: 1, stream: "SHOP", seq: 2, taken: true });
    await connection.close();
  });

  it("send fails when the stream does not take the message, or does not say that it has", async () => {
    const connection = await connect({ servers: server.url });
    const full = { name: "FULL", subjects: ["full.*"], storage: "memory", max_msgs: 1, discard: "new" };
    const silent = { name: "SILENT", subjects: ["silent.*"], storage: "memory", no_ack: true };
    for (const stream of [full, silent])
      await connection.request(`$JS.API.STREAM.CREATE.${stream.name}`, JSON.stringify(stream));
    expect(await cli(["send", "full.a", "1"], withServer())).toMatchObject({ code: 0 });
    const refused = await cli(["send", "full.a", "2"], withServer());
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect(refused.stderr).toContain(
      'PUBLISH_FAILED: no stream took the message to "full.a": the server says "maximum messages exceeded" (10077)',
    );
    const unknown = await cli(["send", "silent.a", "1", "--json"], withServer());
    expect(unknown).toMatchObject({ code: 1, stdout: "" });
    expect(unknown.stderr).toContain('PUBLISH_FAILED: no stream has confirmed the message to "silent.a" within 2 s');
    await connection.close();
  });

  it("send goes out unconfirmed where the account has no JetStream, and its server has", async () => {
    const config = `accounts {
      CORE: { users: [{ user: core, password: secret }] }
      STORED: { jetstream: enabled, users: [{ user: stored, password: secret }] }
    }`;
    const shared = await startTestServer({ config });
    const url = shared.url.replace("//", "//core:secret@");
    const sent = await cli(["send", "any.subject", "1", "--json"], { env: { NATS_URL: url } });
    expect(sent).toMatchObject({ code: 0, stdout: '{"subject":"any.subject","bytes":1,"taken":false}\n' });
    await shared.stop();
  });

  it("request prints the reply, the replies of a stream, or the handler's error", async () => {
    const runtime = start(["start"], { NATS_URL: server.url });
    await runtime.printed(/"msg":"ready: 3 serving, 0 failed"/);
    expect(await cli(["request", "shop.price"], withServer())).toMatchObject({ code: 0, stdout: '{"cents":250}\n' });
    expect(await cli(["request", "shop.count", "--stream"], withServer())).toMatchObject({ code: 0, stdout: "1\n2\n" });
    const failed = await cli(["request", "shop.price", '{"fail":true}'], withServer());
    expect(failed).toMatchObject({ code: 1, stdout: "" });
    expect(failed.stderr).toContain("REQUEST_FAILED: the handler replied with error 500: no price");
  });

  it("request ends with 4 when nobody answers, and names the subject that was meant", async () => {
    const nobody = await cli(["request", "shop.prise"], withServer());
    expect(nobody).toMatchObject({ code: 4, stdout: "" });
    expect(nobody.stderr).toBe('REQUEST_FAILED: nobody takes "shop.prise"\nDid you mean "shop.price"?\n');
    const connection = await connect({ servers: server.url });
    connection.subscribe("shop.silent");
    await connection.flush();
    const silent = await cli(["request", "shop.silent", "--timeout", "50ms"], withServer());
    expect(silent).toMatchObject({ code: 4, stdout: "" });
    expect(silent.stderr).toContain('"shop.silent" was not answered within 50 ms');
    await connection.close();
  });

  it("end with 3 when NATS cannot be reached, and with 2 when nobody said where it is", async () => {
    const gone = await cli(["send", "a", "1"], { env: { NATS_URL: "nats://127.0.0.1:1" } });
    expect(gone).toMatchObject({ code: 3 });
    expect(gone.stderr).toContain("NATS_UNREACHABLE: no NATS server at nats://127.0.0.1:1");
    expect(await cli(["request", "a"])).toMatchObject({ code: 2 });
  });
});

describe("handlers start", () => {
  it("refuses without NATS", async () => {
    const { code, stderr } = await cli(["start"]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^NATS_NOT_CONFIGURED: .*\nSet NATS_URL/);
  });

  it("logs JSON lines, drains at TERM and ends with 0; says so when nothing serves", async () => {
    for (const file of ["price.js", "count.mjs"]) project.remove(file);
    project.write("order.js", 'export const metadata = { subject: "a..b" }; export default () => {};');
    const runtime = start(["start"], { NATS_URL: server.url });
    await runtime.printed(/no handler serves/);
    runtime.child.kill("SIGTERM");
    const { code, stdout, stderr } = await runtime.ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const lines = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    const failed = lines.find(({ event }) => event === "handler.failed");
    expect(failed).toMatchObject({ level: "error", handler: "order", code: "METADATA_INVALID", app: "shop" });
    expect(lines.at(-1)).toMatchObject({ event: "runtime.stopped", msg: "stopped" });
  });
});

describe("check and list", () => {
  it("need no NATS; check ends with 0 when everything would come up", async () => {
    const { code, stdout } = await cli(["check"]);
    expect(stdout).toMatch(/✓ order +event +shop\.order +\d+ B\n[\s\S]*3 of 3 handlers checked out: all fine\n$/);
    expect(code).toBe(0);
    expect((await cli(["list"])).stdout.split("\n")[0]).toMatch(/^NAME +KIND +SUBJECT +CONC +TIMEOUT +FILE$/);
  });

  it("check names every fault with its place and ends with 1; list marks the broken ones", async () => {
    project.write("broken.ts", "export const metadata = { subject: 'a.b' };\nexport default (event => {\n");
    project.write("thrower.ts", "throw new Error('at import');\n");
    project.write("price.ts", "export default () => {};");
    const { code, stdout } = await cli(["check"]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/✗ broken +BUNDLE_FAILED[^✗]*handlers\/broken\.ts:\d/);
    expect(stdout).toMatch(/✗ thrower +HANDLER_LOAD_FAILED[^✗]*at import/);
    expect(stdout).toMatch(/✗ price +NAME_CONFLICT[^✗]*price\.js/);
    expect(stdout).toMatch(/2 of 4 handlers checked out: 3 failed\n$/);
    const listed = await cli(["list", "--json"]);
    expect(listed.code).toBe(0);
    const { ok, handlers, problems } = JSON.parse(listed.stdout) as Record<string, Record<string, unknown>[]>;
    expect(ok).toBe(false);
    expect(problems).toMatchObject([{ code: "NAME_CONFLICT" }]);
    expect(handlers).toMatchObject([
      { name: "broken", ok: false, error: { code: "BUNDLE_FAILED" } },
      { name: "count", ok: true, kind: "request", subject: "shop.count", version: expect.any(String) },
      { name: "order", ok: true },
      { name: "thrower", ok: false, error: { code: "HANDLER_LOAD_FAILED" } },
    ]);
  });
});

describe("an older Node", () => {
  it("gets one clear line and exit code 2, not a stack", async () => {
    const older = `Object.defineProperty(process, "versions", { value: { ...process.versions, node: "20.11.0" } });`;
    const { code, stderr } = await cli(["list"], {
      nodeArgs: ["--import", `data:text/javascript,${encodeURIComponent(older)}`],
    });
    expect(code).toBe(2);
    expect(stderr).toMatch(/^NODE_TOO_OLD: nats-handlers needs Node\.js 22\.22 or newer; this is 20\.11\.0 .*\n.*\n$/);
  });
});

describe("quick commands", () => {
  it("load no package but the one that parses the command line", async () => {
    const hook = `import { registerHooks } from "node:module";
      registerHooks({ load(url, context, next) {
        const name = /node_modules\\/((?:@[^/]+\\/)?[^/]+)/.exec(url)?.[1];
        if (name) process.stderr.write("loaded " + name + "\\n");
        return next(url, context);
      } });`;
    const nodeArgs = ["--import", `data:text/javascript,${encodeURIComponent(hook)}`];
    for (const args of [["--version"], ["--help"], ["send", "--help"]]) {
      const { code, stderr } = await cli(args, { nodeArgs });
      expect(code).toBe(0);
      expect([...new Set(stderr.trim().split("\n"))]).toEqual(["loaded commander"]);
    }
  });
});
