// What docs/effects.md says beside the crashes: its handlers as they stand, and who publishes what is left in an outbox.
// @module-tag any-server

import { mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { jetstreamManager } from "@nats-io/jetstream";
import { effectTables } from "nats-handlers/effect";
import { Pool } from "pg";
import { afterEach, describe, expect, it } from "vitest";
import { systemClock } from "../../runtime/clock.ts";
import { DeadLetterBox } from "../../runtime/dead-letters/dead-letter-box.ts";
import { redrive } from "../../runtime/dead-letters/redrive.ts";
import { hasPostgres, startPostgres } from "../support/postgres.ts";
import { createProject } from "../support/project.ts";
import { startReplicas } from "../support/replicas.ts";
import { useStage } from "../support/runtime.ts";

const stage = useStage();
const fromRoot = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const PAGE = readFileSync(fromRoot("docs/effects.md"), "utf8");

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function snippet(file: string): string {
  const [, text] = PAGE.split(`\`\`\`ts\n// ${file}\n`);
  if (text === undefined) throw new Error(`docs/effects.md has no ${file}`);
  return text.slice(0, text.indexOf("\n```"));
}

describe.skipIf(!hasPostgres)("the handlers of the page", () => {
  it("bill an order once, publish with it, and forget which they were", async () => {
    const server = await startPostgres({ fsync: "off" });
    cleanups.push(() => server.stop());
    const pool = new Pool({ connectionString: server.url });
    cleanups.push(() => pool.end());
    await pool.query(`${effectTables("postgres")} CREATE TABLE bills (order_id text, cents integer)`);
    const names = ["_database.ts", "orders/bill.ts", "forget-effects.ts"];
    const project = createProject(Object.fromEntries(names.map((name) => [name, snippet(`handlers/${name}`)])));
    cleanups.push(() => project.end());
    symlinkSync(fromRoot("node_modules/pg"), join(project.rootDir, "node_modules", "pg"));
    const manager = await jetstreamManager(stage.client.connection);
    await manager.streams.add({ name: "ORDERS", subjects: ["orders.>"] });
    cleanups.push(() => manager.streams.delete("ORDERS"));
    const billed = await stage.client.collect("orders.billed");
    await stage.start({ project, environment: { DATABASE_URL: server.url } });
    const placed = { id: "o-1", cents: 250 };
    stage.client.publish("orders.placed", placed);
    expect(await billed.until(1)).toEqual([{ id: "o-1" }]);
    expect((await pool.query("SELECT * FROM bills")).rows).toEqual([{ order_id: "o-1", cents: 250 }]);
    const inbox = async () => (await pool.query("SELECT app, handler, message_id FROM handlers_inbox")).rows;
    expect(await inbox()).toEqual([
      { app: "shop", handler: "orders/bill", message_id: expect.stringMatching(/^ORDERS:1:/) },
    ]);
    await pool.query("UPDATE handlers_inbox SET done_at = now() - interval '41 days'");
    stage.client.publish("shop.forget-effects", "");
    await expect.poll(inbox).toEqual([]);
  });
});

describe("a replica that is killed (kill -9) between the commit and the publishing", () => {
  it("leaves its outbox to the other one, which publishes what is left, and calls nothing again", async () => {
    const source = `
      import { DatabaseSync } from "node:sqlite";
      import { effect, sqlite } from "nats-handlers/effect";
      export const metadata = { subject: "left.new", kind: "durable", env: ["DATABASE_FILE", "REPLICA"] };
      const inner = sqlite(new DatabaseSync(process.env.DATABASE_FILE, { timeout: 5000 }));
      const held = (ctx) => ({
        ...inner,
        async transaction(work) {
          const result = await inner.transaction(work);
          await ctx.request("left.committed", process.env.REPLICA);
          return result;
        },
      });
      export default ({ n }, ctx) => effect(ctx, held(ctx), (on, outbox) => {
        on.prepare("INSERT INTO bills VALUES (?)").run(n);
        outbox.publish("left.done", { n });
      });`;
    const folder = mkdtempSync(join(tmpdir(), "nats-handlers-left-"));
    cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
    const file = join(folder, "left.db");
    const table = new DatabaseSync(file);
    cleanups.push(() => table.close());
    table.exec(`PRAGMA journal_mode = WAL; ${effectTables("sqlite")} CREATE TABLE bills (n integer)`);
    const count = (from: string, what = "*") =>
      Number(table.prepare(`SELECT count(${what}) AS n FROM ${from}`).get()?.n);
    const { connection } = stage.client;
    const manager = await jetstreamManager(connection);
    await manager.streams.add({ name: "LEFT", subjects: ["left.new"] });
    await manager.streams.add({ name: "DONE", subjects: ["left.done"] });
    cleanups.push(() => Promise.all(["LEFT", "DONE"].map((name) => manager.streams.delete(name))));
    let heldByFirst = 0;
    connection.subscribe("left.committed", {
      callback: (_error, message) => {
        if (message.json() === "first") heldByFirst++;
        else message.respond("{}");
      },
    });
    const environments = ["first", "second"].map((REPLICA) => ({ REPLICA, DATABASE_FILE: file }));
    const replicas = await startReplicas({ url: stage.server.url, files: { "bill.js": source }, environments });
    cleanups.push(() => replicas.close());
    let sent = 0;
    const sendOneMore = () => {
      stage.client.publish("left.new", { n: sent++ });
      return heldByFirst;
    };
    await expect.poll(sendOneMore).toBeGreaterThanOrEqual(3);
    await expect.poll(() => count("bills")).toBe(sent);
    process.kill(replicas.pids()[0]!, "SIGKILL");
    await replicas.processes[0]!.ended;
    expect(count("handlers_outbox")).toBeGreaterThanOrEqual(3);
    await expect.poll(() => count("handlers_outbox"), { timeout: 90_000 }).toBe(0);
    expect((await manager.streams.info("DONE")).state.messages).toBe(sent);
    expect([count("bills"), count("bills", "DISTINCT n")]).toEqual([sent, sent]);
  });
});

describe("what could not be published", () => {
  it("waits in the outbox beside the dead letter, and leaves when that is redriven: the row is there once", async () => {
    const source = `
      import { DatabaseSync } from "node:sqlite";
      import { effect, sqlite } from "nats-handlers/effect";
      export const metadata = { subject: "late.new", kind: "durable", env: ["DATABASE_FILE"], retry: { attempts: 2, backoff: "10ms" } };
      const connection = new DatabaseSync(process.env.DATABASE_FILE, { timeout: 5000 });
      const database = sqlite(connection);
      export default ({ n }, ctx) => effect(ctx, database, (on, outbox) => {
        on.prepare("INSERT INTO bills VALUES (?)").run(n);
        outbox.publish("late.done", { n, ...{ text: "x".repeat(100) } });
      });`;
    const project = createProject({ "late.js": source });
    cleanups.push(() => project.end());
    const file = join(project.rootDir, "late.db");
    const table = new DatabaseSync(file);
    cleanups.push(() => table.close());
    table.exec(`PRAGMA journal_mode = WAL; ${effectTables("sqlite")} CREATE TABLE bills (n integer)`);
    const count = (name: string) => table.prepare(`SELECT count(*) AS n FROM ${name}`).get()?.n;
    const { connection } = stage.client;
    const manager = await jetstreamManager(connection);
    await manager.streams.add({ name: "LATE", subjects: ["late.new"] });
    await manager.streams.add({ name: "FULL", subjects: ["late.done"], max_msg_size: 16 });
    cleanups.push(() => Promise.all(["LATE", "FULL"].map((name) => manager.streams.delete(name))));
    await stage.start({ project, environment: { DATABASE_FILE: file } });
    stage.client.publish("late.new", { n: 1 });
    const box = new DeadLetterBox(connection, "shop");
    await expect.poll(() => box.list()).toMatchObject([{ handler: "late", reason: "threw", attempts: 2 }]);
    expect([count("bills"), count("handlers_outbox")]).toEqual([1, 1]);
    await manager.streams.update("FULL", { max_msg_size: -1 });
    await redrive([1], { connection, app: "shop", box, copies: 1, clock: systemClock, rate: undefined });
    await expect.poll(async () => (await manager.streams.info("FULL")).state.messages).toBe(1);
    await expect.poll(() => count("handlers_outbox")).toBe(0);
    expect([count("bills"), await box.list()]).toEqual([1, []]);
  });
});
