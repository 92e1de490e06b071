// Durable messages into SQLite: one row and one transaction each, beside batches in a transaction.

import { StorageType } from "@nats-io/jetstream";
import { sqliteContender } from "../durable/contenders.ts";
import { compare, type Measured, type Plan, withSite } from "../durable/rounds.ts";
import { ratiosOf, spreadOf } from "../measure/statistics.ts";
import { perSecond, showSpread, two, whole } from "../output/figures.ts";
import type { Options, Report, Scenario } from "../scenario.ts";

const PLAN: Plan = { atOnce: 16, messages: 10_000, step: 500, storage: StorageType.File };
const SIZE = 100;

function run(options: Options): Promise<Report> {
  return withSite(options, async (site) => {
    const plan = { ...PLAN, messages: options.messages ?? PLAN.messages };
    const contenders = {
      single: await sqliteContender(undefined, plan, options, site),
      batch: await sqliteContender(SIZE, plan, options, site),
    };
    const { rounds, failures } = await compare(plan, contenders, options.rounds, site);
    const row = (label: string, all: readonly Measured[]) => [
      label,
      showSpread(spreadOf(all.map((measured) => measured.perSecond)), perSecond),
      showSpread(spreadOf(all.map(({ cpuUs }) => cpuUs)), two),
      showSpread(spreadOf(all.map(({ serverUs }) => serverUs)), two),
    ];
    const ratio = (figure: (measured: Measured) => number) =>
      showSpread(spreadOf(ratiosOf(rounds.batch.map(figure), rounds.single.map(figure))), two);
    return {
      tables: [
        {
          title: `batches: rows in SQLite, an ack for each message (${options.rounds} rounds of ${whole(plan.messages)} messages)`,
          head: ["", "messages/s", "CPU us/message", "server"],
          rows: [
            row(contenders.single.label, rounds.single),
            row(`${contenders.batch.label}, one at a time`, rounds.batch),
            ["ratio, pair by pair", ratio((measured) => measured.perSecond), ratio(({ cpuUs }) => cpuUs)],
          ],
          notes: [],
        },
      ],
      data: rounds,
      failures,
    };
  });
}

export const batches: Scenario = {
  name: "batches",
  summary: "rows/s into SQLite, one message at a time and in batches of 100",
  run,
};
