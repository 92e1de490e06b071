// Accounts as those who run NATS for others give them: bounded, and some without JetStream.

import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { runCli, startCli } from "../support/cli-process.ts";
import { startTestServer, type TestServer } from "../support/nats-server.ts";
import { createProject, type TestProject } from "../support/project.ts";

const CONFIG = `jetstream { max_file_store: 200MB, limits { duplicate_window: "2m" } }
accounts {
  BOUNDED { jetstream: { max_bytes_required: true }, users: [{ user: bounded, password: bounded }] }
  PLAIN { users: [{ user: plain, password: plain }] }
}`;
const MIB = 1024 ** 2;

let server: TestServer;
let project: TestProject;
let client: NatsConnection;
/** Each its own: an app takes what room there is. */
function useServer(): void {
  beforeAll(async () => {
    server = await startTestServer({ config: CONFIG });
  });
  afterAll(() => server.stop());
}

beforeEach(() => {
  project = createProject({
    "hello.js": "export const metadata = { subject: 'hello', kind: 'request' };\nexport default () => 'hi';\n",
    "fails.js": `export const metadata = { subject: "shop.fails", kind: "durable", retry: { attempts: 1 } };
export default () => { throw new Error("as always"); };\n`,
  });
});
afterEach(async () => {
  await client.close();
  project.end();
});

/** A project of this account's user, served. */
async function serve(user: string, args: string[]) {
  client = await connect({ servers: server.url, user, pass: user });
  const options = { cwd: project.rootDir, env: { NATS_URL: server.url, NATS_USER: user, NATS_PASSWORD: user } };
  const process = startCli(["start", ...args], options);
  await process.printed(/"msg":"ready: /);
  return {
    text: () => process.text(),
    printed: (what: RegExp) => process.printed(what),
    cli: (...words: string[]) => runCli(words, options),
    async stop() {
      process.child.kill("SIGTERM");
      await process.ended;
    },
  };
}

async function settingsOf(jsm: JetStreamManager) {
  const settings: Record<string, { bytes: number; windowS: number }> = {};
  for await (const { config } of jsm.streams.list()) {
    settings[config.name] = { bytes: config.max_bytes, windowS: config.duplicate_window / 1e9 };
  }
  return settings;
}

describe("an account that demands a bound of bytes, on a server that bounds windows and has little room", () => {
  useServer();
  it("has every stream of ours within its limits; letters are kept and redriven, handlers turned off and on", async () => {
    const app = await serve("bounded", ["--provision"]);
    const jsm = await jetstreamManager(client);
    const settings = await settingsOf(jsm);
    expect(Object.keys(settings).sort()).toEqual([
      "DLQ_shop",
      "GIVEN_BACK_shop",
      "KV_shop_handlers",
      "LATER_shop",
      "REDRIVE_shop",
      "SCHEDULE_shop",
      "SHOP_SHOP",
      "VERSIONS_shop",
    ]);
    // Nothing else waits for these.
    await app.printed(/KV_shop_once.*could not be set up.*ctx\.once is refused/);
    await app.printed(/TIMETABLE_shop.*could not be set up.*ctx\.schedule is refused/);
    for (const { bytes, windowS } of Object.values(settings)) {
      expect(bytes).toBeGreaterThanOrEqual(MIB);
      expect(windowS).toBeLessThanOrEqual(120);
    }
    await client.request("shop.fails", "{}");
    await app.printed(/a failed message of handler .*fails.* is kept/);
    expect((await app.cli("dlq", "redrive", "--handler", "fails")).stdout).toContain("1 dead letter sent again");
    expect(await app.cli("disable", "fails")).toMatchObject({ code: 0 });
    expect(await app.cli("enable", "fails")).toMatchObject({ code: 0 });
    await app.stop();
  });
});

describe("an account without JetStream on a server that has it", () => {
  useServer();
  it("has events and requests served, and is told what it cannot have, as where no server has it", async () => {
    const app = await serve("plain", []);
    expect((await client.request("hello", "{}")).json()).toBe("hi");
    expect(app.text()).toMatch(/this account of the NATS server has no JetStream/);
    expect(app.text()).toMatch(/handler \\"fails\\" is durable, and needs JetStream: this account has no JetStream/);
    const refused = await app.cli("disable", "hello");
    expect(refused).toMatchObject({ code: 3, stderr: expect.stringContaining("has no JetStream") });
    expect(await app.cli("status")).toMatchObject({ code: 0, stdout: expect.stringContaining("hello") });
    await app.stop();
  });

  it("has its durable handlers served when it is given JetStream", async () => {
    const app = await serve("plain", ["--provision"]);
    await server.restart(CONFIG.replace("PLAIN {", "PLAIN { jetstream: enabled,"));
    await app.printed(
      /"event":"handler.serving"[^\n]*"handler":"fails"|"handler":"fails"[^\n]*"event":"handler.serving"/,
    );
    await app.stop();
  });
});
