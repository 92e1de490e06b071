// What `effect` costs beside a transaction written by hand, in SQLite and, where there is one, in PostgreSQL.

import { StorageType } from "@nats-io/jetstream";
import { Pool } from "pg";
import { effectTables } from "../../../sdk/effect.ts";
import { hasPostgres, startPostgres } from "../../support/postgres.ts";
import { handlerContender } from "../durable/contenders.ts";
import { effectHandler, LABELS, type Way } from "../durable/effect-handlers.ts";
import { compare, type Measured, type Plan, withSite } from "../durable/rounds.ts";
import { ratiosOf, spreadOf } from "../measure/statistics.ts";
import { perSecond, showSpread, two, whole } from "../output/figures.ts";
import type { Table } from "../output/table.ts";
import type { Options, Report, Scenario } from "../scenario.ts";

const PLAN: Plan = { atOnce: 16, messages: 10_000, step: 500, storage: StorageType.File };

/** What each is compared with. */
const BY_HAND: Readonly<Partial<Record<Way, Way>>> = { effect: "hand", "effect-publishing": "hand-publishing" };

type Rounds = Readonly<Record<Way, readonly Measured[]>>;

async function run(options: Options): Promise<Report> {
  const plan = { ...PLAN, messages: options.messages ?? PLAN.messages };
  const sqlite = await measured(plan, options, undefined);
  const postgres = hasPostgres ? await inPostgres((url) => measured(plan, options, url)) : undefined;
  const all = { SQLite: sqlite, ...(postgres === undefined ? {} : { PostgreSQL: postgres }) };
  return {
    tables: Object.entries(all).map(([name, { rounds }]) => tableOf(name, rounds, plan, options)),
    data: Object.fromEntries(Object.entries(all).map(([name, { rounds }]) => [name, rounds])),
    failures: Object.values(all).flatMap(({ failures }) => failures),
  };
}

function measured(plan: Plan, options: Options, url: string | undefined) {
  return withSite(options, async (site) => {
    const contender = (way: Way) => handlerContender(effectHandler(way, url, plan), plan, options, site);
    const contenders = {
      hand: await contender("hand"),
      effect: await contender("effect"),
      "hand-publishing": await contender("hand-publishing"),
      "effect-publishing": await contender("effect-publishing"),
    };
    return compare(plan, contenders, options.rounds, site);
  });
}

async function inPostgres<T>(act: (url: string) => Promise<T>): Promise<T> {
  const server = await startPostgres();
  const pool = new Pool({ connectionString: server.url });
  try {
    await pool.query(`${effectTables("postgres")} CREATE TABLE rows (id text, item text);
      CREATE TABLE seen (id text PRIMARY KEY)`);
    return await act(server.url);
  } finally {
    await pool.end();
    await server.stop();
  }
}

function tableOf(database: string, rounds: Rounds, plan: Plan, options: Options): Table {
  const beside = (way: Way, figure: (one: Measured) => number) => {
    const other = BY_HAND[way];
    return other === undefined
      ? ""
      : showSpread(spreadOf(ratiosOf(rounds[way].map(figure), rounds[other].map(figure))), two);
  };
  return {
    title: `effect: a row of ${database} for each message, once (${options.rounds} rounds of ${whole(plan.messages)} messages)`,
    head: ["", "messages/s", "CPU us/message", "messages/s beside by hand", "CPU beside by hand"],
    rows: (Object.keys(rounds) as Way[]).map((way) => [
      LABELS[way],
      showSpread(spreadOf(rounds[way].map((one) => one.perSecond)), perSecond),
      showSpread(spreadOf(rounds[way].map(({ cpuUs }) => cpuUs)), two),
      beside(way, (one) => one.perSecond),
      beside(way, ({ cpuUs }) => cpuUs),
    ]),
    notes: ["the CPU is that of the supervisor and the worker, not the database's"],
  };
}

export const effect: Scenario = {
  name: "effect",
  summary: "what `effect` costs beside a transaction written by hand, in SQLite and PostgreSQL",
  run,
};
