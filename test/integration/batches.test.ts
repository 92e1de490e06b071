// `batch`: a function that is given many messages at a time, and messages that end one by one all the same.

import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import { headers as createHeaders } from "@nats-io/transport-node";
import { beforeEach, describe, expect, it } from "vitest";
import { DeadLetterBox } from "../../runtime/dead-letters/dead-letter-box.ts";
import { durableNameOf } from "../../runtime/streams/durable-name.ts";
import { runCli, startCli } from "../support/cli-process.ts";
import { createProject } from "../support/project.ts";
import { removeStreams } from "../support/remove-streams.ts";
import { useStage } from "../support/runtime.ts";

const stage = useStage();
const DURABLE = durableNameOf("shop", "take", "t.a");

let jsm: JetStreamManager;
beforeEach(async () => {
  jsm = await jetstreamManager(stage.client.connection);
  await removeStreams(jsm);
  await jsm.streams.add({ name: "T", subjects: ["t.>"] });
});

const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);

async function store(count: number, from = 0): Promise<void> {
  const { connection } = stage.client;
  for (let n = from; n < from + count; n += 500) {
    const lot = upTo(Math.min(500, from + count - n)).map((at) =>
      connection.request("t.a", JSON.stringify({ n: n + at })),
    );
    await Promise.all(lot);
  }
}

async function waiting(): Promise<number> {
  const { num_pending, num_ack_pending } = await jsm.consumers.info("T", DURABLE);
  return num_pending + num_ack_pending;
}

const ofBatches = (batch: string, body: string, more = "") => `
  export const metadata = { subject: "t.a", kind: "durable", batch: ${batch}${more} };
  export default async (contents, ctx) => {
    ${body}
  };`;

const intoSqlite = (batch: string) => `
  import { DatabaseSync } from "node:sqlite";
  let db;
  export const metadata = { subject: "t.a", kind: "durable", batch: ${batch}, env: ["FILE"] };
  export const setup = () => {
    db = new DatabaseSync(process.env.FILE);
    db.exec("PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; CREATE TABLE IF NOT EXISTS taken (n INTEGER, batch INTEGER)");
  };
  export const teardown = () => db.close();
  let batches = 0;
  export default (contents) => {
    const batch = ++batches;
    db.exec("BEGIN");
    const insert = db.prepare("INSERT INTO taken VALUES (?, ?)");
    for (const { n } of contents) insert.run(n, batch);
    db.exec("COMMIT");
  };`;

/** Each content in the order in which it ran, run by run. */
async function watched(): Promise<{ readonly runs: number[][] }> {
  const runs: number[][] = [];
  const { connection } = stage.client;
  connection.subscribe("ran", {
    callback: (_error, message) => {
      runs.push(message.json<number[]>());
      message.respond("{}");
    },
  });
  await connection.flush();
  return { runs };
}

const SAY = 'await ctx.messages[0].request("ran", contents.map(({ n }) => n));';

describe("messages in batches", () => {
  it("are stored in SQLite, 10,000 of them, each once, a hundred in one transaction", async () => {
    await store(10_000);
    const project = createProject({ "take.js": intoSqlite('{ size: 100, wait: "200ms" }') });
    const FILE = join(project.rootDir, "taken.db");
    await stage.start({ project, environment: { FILE } });
    await expect.poll(waiting).toBe(0);
    const db = new DatabaseSync(FILE, { readOnly: true });
    const row = db
      .prepare("SELECT count(*) AS all_, count(DISTINCT n) AS n, count(DISTINCT batch) AS b FROM taken")
      .get();
    db.close();
    expect(row).toMatchObject({ all_: 10_000, n: 10_000 });
    expect(row!.b).toBeLessThan(200);
    project.end();
  });

  it("one that fails all is found among a hundred and becomes a letter for its own reason; the others are done", async () => {
    const { runs } = await watched();
    await store(100);
    const body = `${SAY} const bad = contents.find(({ n }) => n === 42); if (bad) throw new Error("cannot store " + bad.n);`;
    const app = await stage.start({
      handlers: { "take.js": ofBatches("{ size: 100 }", body, ", retry: { attempts: 1 }") },
    });
    await expect.poll(waiting).toBe(0);
    const box = new DeadLetterBox(stage.client.connection, "shop");
    await expect.poll(async () => (await box.list()).length).toBe(1);
    const [letter] = await box.list();
    expect(letter).toMatchObject({ reason: "threw", message: "cannot store 42", attempts: 1 });
    expect(Buffer.from((await box.show(letter!.id))!.data).toString()).toBe('{"n":42}');
    expect(app.status("take")).toMatchObject({ handled: 99, failed: 1 });
    expect(runs[0]).toHaveLength(100);
    expect(runs.at(-1)!.length).toBeLessThanOrEqual(2);
    expect(runs.filter((run) => run.includes(42)).map(({ length }) => length)).toEqual([100, 50, 25, 12, 6, 3, 2, 1]);
    expect(app.told("runtime.notice").map(({ message }) => message)).toContainEqual(
      expect.stringMatching(/a batch of 100 messages failed \(cannot store 42\); its halves are tried/),
    );
  });

  it("end each by itself: refused by the schema, let pass, failed by name, failed by a publish; the others once", async () => {
    const { runs } = await watched();
    const done = await stage.client.collect<number>("done");
    await store(20);
    const source = `
      const number = { "~standard": { version: 1, vendor: "test", validate: (value) =>
        value.n === 3 ? { issues: [{ message: "not three" }] } : { value: { n: value.n } } } };
      export const metadata = { subject: "t.a", kind: "durable", batch: { size: 20 }, schema: number,
        when: ({ n }) => n !== 4, retry: { attempts: 2, backoff: "10ms" } };
      export default async (contents, ctx) => {
        ${SAY}
        for (const [at, { n }] of contents.entries()) {
          if (n === 5) ctx.fail(at, new Error("five"));
          else if (n === 6) void ctx.messages[at].publish("too.large", "x".repeat(2_000_000));
          else void ctx.messages[at].publish("done", n);
        }
      };`;
    const app = await stage.start({ handlers: { "take.js": source } });
    await expect.poll(waiting).toBe(0);
    const box = new DeadLetterBox(stage.client.connection, "shop");
    await expect.poll(async () => (await box.list()).length).toBe(3);
    const letters = (await box.list()).map(({ reason, attempts }) => ({ reason, attempts }));
    expect(letters).toContainEqual({ reason: "invalid", attempts: 1 });
    expect(letters.filter(({ reason, attempts }) => reason === "threw" && attempts === 2)).toHaveLength(2);
    expect(runs[0]).toEqual(upTo(20).filter((n) => n !== 3 && n !== 4));
    await expect.poll(() => done.values.length).toBe(16);
    expect([...done.values].sort((a, b) => a - b)).toEqual(upTo(20).filter((n) => n < 3 || n > 6));
    expect(app.status("take")).toMatchObject({ handled: 16, filtered: 1 });
  });

  it("run again alone when one of them has killed the worker, and that one alone is charged", async () => {
    const { runs } = await watched();
    await store(20);
    const body = `${SAY} if (contents.some(({ n }) => n === 7)) process.kill(process.pid, "SIGKILL");`;
    const app = await stage.start({
      handlers: { "take.js": ofBatches("{ size: 20 }", body, ', retry: { attempts: 2, backoff: "10ms" }') },
    });
    await expect.poll(waiting).toBe(0);
    const box = new DeadLetterBox(stage.client.connection, "shop");
    await expect.poll(async () => (await box.list()).length).toBe(1);
    const [letter] = await box.list();
    expect(letter).toMatchObject({ reason: "crashed", attempts: 2 });
    expect(runs[0]).toEqual(upTo(20));
    // Twice together and alone; or already known when it came again.
    expect(runs.slice(1).every(({ length }) => length === 1)).toBe(true);
    expect(app.status("take")).toMatchObject({ handled: 19 });
    expect(app.told("handler.quarantined")).toEqual([]);
  });

  it("are all taken where worker and runtime are killed in the middle", async () => {
    const project = createProject({ "take.js": intoSqlite('{ size: 50, wait: "50ms" }') });
    const FILE = join(project.rootDir, "taken.db");
    const start = () => startCli(["start"], { cwd: project.rootDir, env: { NATS_URL: stage.server.url, FILE } });
    const count = () => {
      const db = new DatabaseSync(FILE, { readOnly: true });
      try {
        return Number(db.prepare("SELECT count(DISTINCT n) AS n FROM taken").get()!.n);
      } finally {
        db.close();
      }
    };
    let replica = start();
    try {
      await replica.printed(/"event":"runtime\.ready"/);
      const storing = store(3_000);
      await expect.poll(count).toBeGreaterThan(500);
      replica.child.kill("SIGKILL");
      await replica.ended;
      await storing;
      replica = start();
      await expect.poll(count, { timeout: 90_000 }).toBe(3_000);
      await expect.poll(waiting, { timeout: 90_000 }).toBe(0);
    } finally {
      replica.child.kill("SIGTERM");
      await replica.ended;
      project.end();
    }
  });
});

describe("batches by key", () => {
  const OF_TENANT = 'await ctx.messages[0].request("ran", [...contents.map(({ n }) => n), contents[0].tenant]);';

  async function storeOf(tenant: number, numbers: readonly number[]): Promise<void> {
    for (const n of numbers) await stage.client.connection.request("t.a", JSON.stringify({ n, tenant }));
  }

  it("have messages of one key each; a full one begins while others gather, and each key waits its own time", async () => {
    const { runs } = await watched();
    const batch = '{ size: 5, wait: "1s", key: { field: "tenant" } }';
    const app = await stage.start({ handlers: { "take.js": ofBatches(batch, OF_TENANT) } });
    for (const n of upTo(5))
      for (const tenant of [100, 200, 300]) if (tenant < 300 || n < 2) await storeOf(tenant, [n]);
    await expect.poll(() => runs.length).toBe(2);
    expect(runs).toEqual([
      [...upTo(5), 100],
      [...upTo(5), 200],
    ]);
    expect(app.status("take").inFlight).toBe(2);
    await expect.poll(() => runs.length).toBe(3);
    expect(runs[2]).toEqual([0, 1, 300]);
    await expect.poll(waiting).toBe(0);
  });

  it("are as full as can be where there are many keys, of which none is mixed with another", async () => {
    const { runs } = await watched();
    const { connection } = stage.client;
    const stored = upTo(2_000).map((n) => connection.request(`t.${n % 10}`, JSON.stringify({ n, tenant: n % 10 })));
    await Promise.all(stored);
    const source = `
      export const metadata = { subject: "t.*", kind: "durable", batch: { size: 50, wait: "500ms", key: { wildcard: 0 } } };
      export default async (contents, ctx) => { ${OF_TENANT} };`;
    const app = await stage.start({ handlers: { "take.js": source } });
    await expect.poll(() => app.status("take").handled, { timeout: 30_000 }).toBe(2_000);
    const ran = runs.map((run) => ({ tenant: run.at(-1)!, numbers: run.slice(0, -1) }));
    expect(ran.every(({ tenant, numbers }) => numbers.every((n) => n % 10 === tenant))).toBe(true);
    expect(ran.flatMap(({ numbers }) => numbers).sort((a, b) => a - b)).toEqual(upTo(2_000));
    expect(ran.length).toBeLessThan(80);
  });

  it("by a header, of events too; what has none is together", async () => {
    const { runs } = await watched();
    const source = `
      export const metadata = { subject: "e.a", batch: { size: 10, wait: "300ms", key: { header: "tenant" } } };
      export default async (contents, ctx) => { ${SAY} };`;
    await stage.start({ handlers: { "take.js": source } });
    const { connection } = stage.client;
    for (const [n, tenant] of ["a", "b", undefined, "a", undefined].entries()) {
      const headers = createHeaders();
      if (tenant !== undefined) headers.set("Tenant", tenant);
      connection.publish("e.a", JSON.stringify({ n }), { headers });
    }
    await expect.poll(() => runs.length).toBe(3);
    expect([...runs].sort((a, b) => a[0]! - b[0]!)).toEqual([[0, 3], [1], [2, 4]]);
  });
});

describe("a save", () => {
  it("goes from single messages to batches and back, with a backlog, and loses and doubles nothing", async () => {
    const { runs } = await watched();
    const single = `
      export const metadata = { subject: "t.a", kind: "durable", concurrency: 4 };
      export default async ({ n }, ctx) => { await ctx.request("ran", [n]); };`;
    const app = await stage.start({ handlers: { "take.js": single } });
    const save = (source: string) =>
      app.after(
        () => app.project.write("take.js", source),
        "handler.serving",
        ({ why }) => why === "reload",
      );
    const storing = store(2_000);
    await expect.poll(() => runs.length).toBeGreaterThan(20);
    await save(ofBatches('{ size: 20, wait: "50ms" }', SAY));
    await storing;
    await store(500, 2_000);
    await expect.poll(() => runs.some(({ length }) => length === 20)).toBe(true);
    await save(single.replace("4", "5"));
    await store(500, 2_500);
    await expect.poll(waiting).toBe(0);
    expect(runs.flat().sort((a, b) => a - b)).toEqual(upTo(3_000));
  });
});

describe("a shutdown", () => {
  it("runs a batch that waits for others at once", async () => {
    const { runs } = await watched();
    const app = await stage.start({ handlers: { "take.js": ofBatches('{ size: 100, wait: "1m" }', SAY) } });
    await store(7);
    await expect.poll(() => app.status("take").inFlight).toBe(7);
    expect(runs).toEqual([]);
    expect(await app.close(10_000)).toEqual([]);
    expect(runs).toEqual([upTo(7)]);
    await expect.poll(waiting).toBe(0);
  });
});

describe("events in batches", () => {
  it("are gathered for as long as `wait` says, and one that fails is a letter of its own", async () => {
    const { runs } = await watched();
    const source = `
      export const metadata = { subject: "e.a", batch: { size: 10, wait: "300ms" } };
      export default async (contents, ctx) => { ${SAY} if (contents.some(({ n }) => n === 2)) throw new Error("two"); };`;
    const app = await stage.start({ handlers: { "take.js": source } });
    for (const n of upTo(4)) stage.client.publish("e.a", { n });
    const box = new DeadLetterBox(stage.client.connection, "shop");
    await expect.poll(async () => (await box.list()).length).toBe(1);
    expect(await box.list()).toMatchObject([{ reason: "threw", message: "two" }]);
    await expect.poll(() => app.status("take").handled).toBe(3);
    expect(runs).toEqual([[0, 1, 2, 3], [0, 1], [2, 3], [2], [3]]);
  });
});

describe("for people", () => {
  it("`list` says how many, `invoke` runs a batch of one, and `check` says what batches do not go with", async () => {
    const { runs } = await watched();
    const project = createProject({ "take.js": ofBatches("{ size: 100 }", `${SAY}`) });
    const cli = { cwd: project.rootDir, env: { NATS_URL: stage.server.url } };
    const { stdout } = await runCli(["list"], cli);
    expect(stdout).toMatch(/take +durable +t\.a +1 × 100 /);
    const app = await stage.start({ project });
    await runCli(["invoke", "take", '{"n":5}'], cli);
    const inspected = await runCli(["inspect", "take"], cli);
    expect(inspected.stdout).toMatch(/batches +of up to 100 messages, which wait up to 200ms for others/);
    expect(runs).toEqual([[5]]);
    await app.after(
      () => project.write("take.js", ofBatches('{ size: 100, key: { field: "n" } }', SAY)),
      "handler.serving",
      ({ why }) => why === "reload",
    );
    const keyed = await runCli(["inspect", "take"], cli);
    expect(keyed.stdout).toMatch(/which wait up to 200ms for others of their field n/);
    project.write("take.js", ofBatches('{ size: 100, wiat: "1s" }', "", ', orderBy: (event) => "", concurrency: 101'));
    const checked = await runCli(["check"], cli);
    expect(checked.stdout + checked.stderr).toMatch(/batch\.wiat is not an option.*Did you mean "wait"/s);
    expect(checked.stdout + checked.stderr).toMatch(/metadata\.batch cannot be kept beside orderBy/);
    expect(checked.stdout + checked.stderr).toMatch(/100 times 101 is 10100/);
    project.end();
  });
});
