// @module-tag any-server
// Effects of messages in a database, and what they publish: once, wherever the process is killed. Rows = messages = published.

import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { type JetStreamManager, jetstream, jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { effectTables } from "nats-handlers/effect";
import { Pool } from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { DeadLetterBox } from "../../runtime/dead-letters/dead-letter-box.ts";
import { durableNameOf } from "../../runtime/streams/durable-name.ts";
import { POINTS } from "../fixtures/handlers/_deaths.ts";
import { hasPostgres, startPostgres, type TestPostgres } from "../support/postgres.ts";
import { createProject, fixture, type TestProject } from "../support/project.ts";
import { useStage } from "../support/runtime.ts";
import { volume } from "../support/volume.ts";

const stage = useStage();
const MESSAGES = volume(10_000);
/** A worker that comes up after a crash lets others go first: on a busy machine twelve of them take minutes. */
const LONGEST_MS = 1_200_000;
const PACKAGES = fileURLToPath(new URL("../../node_modules/", import.meta.url));

interface Table {
  readonly rows: number;
  /** Different ones. */
  readonly bills: number;
  readonly inbox: number;
  readonly outbox: number;
}

const COUNTS = `SELECT (SELECT count(*) FROM bills) AS rows, (SELECT count(DISTINCT n) FROM bills) AS bills,
  (SELECT count(*) FROM handlers_inbox) AS inbox, (SELECT count(*) FROM handlers_outbox) AS outbox`;

const numbers = (row: unknown): Table =>
  Object.fromEntries(Object.entries(row as object).map(([name, value]) => [name, Number(value)])) as unknown as Table;

/** The deaths are spread evenly over the messages. */
function deathOf(n: number): string | undefined {
  const every = Math.floor(MESSAGES / POINTS.length);
  return n % every === 0 ? POINTS[(n / every) % POINTS.length] : undefined;
}

async function settled(manager: JetStreamManager, handler: string): Promise<void> {
  const waiting = async () => {
    const { num_pending, num_ack_pending } = await manager.consumers.info(
      "BILLS",
      durableNameOf("shop", handler, "bills.new"),
    );
    return num_pending + num_ack_pending;
  };
  await expect.poll(waiting, { timeout: LONGEST_MS, interval: 200 }).toBe(0);
}

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function projectWith(handler: string): TestProject {
  const project = createProject({ "bill.ts": fixture(handler), "_deaths.ts": fixture("_deaths.ts") });
  cleanups.push(() => project.end());
  return project;
}

/** What is stored of bills, each with its subject and number. */
async function publishedIn(connection: NatsConnection, manager: JetStreamManager): Promise<string[]> {
  const { state } = await manager.streams.info("DONE");
  const found: string[] = [];
  const consumer = await jetstream(connection).consumers.get("DONE");
  for await (const message of await consumer.consume()) {
    found.push(`${message.subject} ${message.json<{ n: number }>().n}`);
    if (found.length === state.messages) return found;
  }
  return found;
}

/** All bills through the handler, which is killed on the way; what it has left. */
async function billAll(
  project: TestProject,
  environment: Readonly<Record<string, string>>,
  read: () => Promise<Table>,
) {
  const { connection } = stage.client;
  const manager = await jetstreamManager(connection);
  await manager.streams.add({ name: "BILLS", subjects: ["bills.new"] });
  await manager.streams.add({ name: "DONE", subjects: ["bills.billed", "bills.mailed"] });
  cleanups.push(() => Promise.all(["BILLS", "DONE"].map((stream) => manager.streams.delete(stream))));
  const app = await stage.start({ project, environment });
  const planned: string[] = [];
  for (let n = 0; n < MESSAGES; n++) {
    const diesAt = deathOf(n);
    if (diesAt !== undefined) planned.push(diesAt);
    connection.publish("bills.new", JSON.stringify({ n, diesAt }));
  }
  await connection.flush();
  await settled(manager, "bill");
  const deaths = app.told("worker.exited", 0).filter(({ expected }) => !expected).length;
  const published = await publishedIn(connection, manager);
  const letters = await new DeadLetterBox(connection, "shop").list();
  await app.close();
  return { planned, deaths, table: await read(), published, letters };
}

type Billed = Awaited<ReturnType<typeof billAll>>;

function expectOnce({ planned, deaths, table, published, letters }: Billed): void {
  expect(new Set(planned)).toEqual(new Set(POINTS));
  // Of a message that was not alone it is not known that it has killed, so it may kill once more.
  expect(deaths).toBeGreaterThanOrEqual(planned.length);
  expect(table).toEqual({ rows: MESSAGES, bills: MESSAGES, inbox: MESSAGES, outbox: 0 });
  expect(published.length).toBe(2 * MESSAGES);
  expect(new Set(published).size).toBe(2 * MESSAGES);
  expect(letters).toEqual([]);
}

describe.skipIf(!hasPostgres)("in PostgreSQL", () => {
  let server: TestPostgres;
  let pool: Pool;
  beforeAll(async () => {
    server = await startPostgres({ fsync: "off" });
    pool = new Pool({ connectionString: server.url });
    await pool.query(effectTables("postgres"));
    await pool.query("CREATE TABLE bills (n integer NOT NULL)");
  });
  afterAll(async () => {
    await pool?.end();
    await server?.stop();
  });

  it(
    "kill -9 at each of 12 points: each bill has one row, and each of its messages is stored once",
    async () => {
      const project = projectWith("bills-into-postgres.ts");
      symlinkSync(join(PACKAGES, "pg"), join(project.rootDir, "node_modules", "pg"));
      const read = async () => numbers((await pool.query(COUNTS)).rows[0]);
      expectOnce(await billAll(project, { DATABASE_URL: server.url }, read));
    },
    LONGEST_MS,
  );
});

describe("in SQLite", () => {
  it(
    "kill -9 at each of 12 points: each bill has one row, and each of its messages is stored once",
    async () => {
      const project = projectWith("bills-into-sqlite.ts");
      const file = join(project.rootDir, "bills.db");
      const connection = new DatabaseSync(file);
      connection.exec(`PRAGMA journal_mode = WAL; ${effectTables("sqlite")} CREATE TABLE bills (n integer NOT NULL)`);
      const read = async () => numbers(connection.prepare(COUNTS).get());
      expectOnce(await billAll(project, { DATABASE_FILE: file }, read));
      connection.close();
    },
    LONGEST_MS,
  );
});
