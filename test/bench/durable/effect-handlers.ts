// A row for each message, once, in a transaction written by hand and by `effect`; and each of the two with a message that it publishes.
// A round takes the messages of the last one again: what they are remembered by has the round in it.

import { SCHEMA_SOURCE } from "../work.ts";
import type { BenchedHandler } from "./contenders.ts";
import { type Plan, SUBJECT } from "./rounds.ts";

export type Way = "hand" | "effect" | "hand-publishing" | "effect-publishing";

export const LABELS: Readonly<Record<Way, string>> = {
  hand: "transaction by hand, with the message's id",
  effect: "`effect`",
  "hand-publishing": "by hand, then `ctx.publish`",
  "effect-publishing": "`effect`, by its outbox",
};

/** @param url of PostgreSQL; undefined: SQLite */
export function effectHandler(way: Way, url: string | undefined, plan: Plan): BenchedHandler {
  const name = `${url === undefined ? "sqlite" : "postgres"}-${way}`;
  const open = url === undefined ? SQLITE : postgresOf(url, plan);
  const byHand = url === undefined ? SQLITE_BY_HAND : POSTGRES_BY_HAND;
  return {
    name,
    label: LABELS[way],
    source: (progress) =>
      sourceOf(open, way.startsWith("hand") ? afterHand(way, byHand) : byEffect(way), progress, plan),
  };
}

function sourceOf(open: string, take: string, progress: string, { atOnce, step, messages }: Plan): string {
  return `import { effect, postgres, sqlite } from "nats-handlers/effect";
import { z } from "zod";
${open}
export const metadata = { kind: "durable", subject: "${SUBJECT}", concurrency: ${atOnce}, schema: ${SCHEMA_SOURCE} };
const inAll = ${messages} + 1;
let begun = 0;
let handled = 0;
async function take(event, ctx, round) {
  ${take}
}
export default async (event, ctx) => {
  await take(event, ctx, String(Math.floor(begun++ / inAll)));
  if (++handled % ${step} === 0) await ctx.publish("${progress}", "");
};
`;
}

function postgresOf(url: string, { atOnce }: Plan): string {
  return `import { Pool } from "pg";
const pool = new Pool({ connectionString: ${JSON.stringify(url)}, max: ${atOnce} });
export const teardown = () => pool.end();
const database = postgres(pool);
const insert = (client, { id, item }) => client.query("INSERT INTO rows VALUES ($1, $2)", [id, item]);`;
}

const SQLITE = `import { DatabaseSync } from "node:sqlite";
import { effectTables } from "nats-handlers/effect";
const connection = new DatabaseSync("rows.db", { timeout: 5_000 });
connection.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; CREATE TABLE IF NOT EXISTS rows (id TEXT, item TEXT); CREATE TABLE IF NOT EXISTS seen (id TEXT PRIMARY KEY);");
connection.exec(effectTables("sqlite"));
const database = sqlite(connection);
const insert = (on, { id, item }) => on.prepare("INSERT INTO rows VALUES (?, ?)").run(id, item);`;

const SQLITE_BY_HAND = `connection.exec("BEGIN IMMEDIATE");
  const { changes } = connection.prepare("INSERT INTO seen VALUES (?) ON CONFLICT DO NOTHING").run(round + ctx.id);
  if (changes > 0) insert(connection, event);
  connection.exec("COMMIT");`;

const POSTGRES_BY_HAND = `const client = await pool.connect();
  await client.query("BEGIN");
  const { rowCount } = await client.query("INSERT INTO seen VALUES ($1) ON CONFLICT DO NOTHING", [round + ctx.id]);
  if (rowCount > 0) await insert(client, event);
  await client.query("COMMIT");
  client.release();`;

/** Where the process dies in between, nothing is published. */
function afterHand(way: Way, byHand: string): string {
  return way === "hand" ? byHand : `${byHand}\n  await ctx.publish("bench.effect.done", { id: event.id });`;
}

function byEffect(way: Way): string {
  const publish = way === "effect-publishing" ? 'outbox.publish("bench.effect.done", { id: event.id });' : "";
  return `await effect(ctx, database, async (on, outbox) => { await insert(on, event); ${publish} }, { name: round });`;
}
