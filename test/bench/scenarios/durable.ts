// Durable messages with an ack for each: a stored stream taken by a handler, and by the raw client's `consume`, or by the same
// handler in an earlier version.

import { StorageType } from "@nats-io/jetstream";
import { earlierContender, ourContender, rawContender } from "../durable/contenders.ts";
import { type Compared, compare, type Measured, type Plan, withSite } from "../durable/rounds.ts";
import { ratiosOf, spreadOf } from "../measure/statistics.ts";
import { perSecond, showSpread, two, verdictLine } from "../output/figures.ts";
import type { Table } from "../output/table.ts";
import type { Options, Report, Scenario } from "../scenario.ts";

type Pair = "other" | "ours";

const PLANS: readonly Plan[] = [
  { atOnce: 256, messages: 100_000, step: 1_000, storage: StorageType.Memory },
  { atOnce: 1, messages: 10_000, step: 100, storage: StorageType.Memory },
];

function run(options: Options): Promise<Report> {
  return withSite(options, async (site) => {
    const tables: Table[] = [];
    const data: Record<string, unknown> = {};
    const failures: string[] = [];
    let durableRate = Number.NaN;
    for (const sized of PLANS) {
      const plan = { ...sized, messages: options.messages ?? sized.messages };
      const { before, rounds } = options;
      const contenders = {
        other: await (before === undefined
          ? rawContender(plan, options, site)
          : earlierContender(before, plan, options, site)),
        ours: await ourContender(plan, options, site),
      };
      const compared = await compare(plan, contenders, rounds, site);
      if (plan.atOnce > 1 && before === undefined) durableRate = spreadOf(rateRatios(compared)).median;
      tables.push(tableOf(compared, plan, options));
      data[plan.atOnce] = compared.rounds;
      failures.push(...compared.failures);
    }
    return { tables, data, failures, numbers: options.before === undefined ? { durableRate } : {} };
  });
}

function rateRatios({ rounds }: Compared<Pair>): number[] {
  const rates = (all: readonly Measured[]) => all.map((measured) => measured.perSecond);
  return ratiosOf(rates(rounds.ours), rates(rounds.other));
}

function tableOf(compared: Compared<Pair>, { atOnce, messages }: Plan, { rounds, before }: Options): Table {
  const { other, ours } = compared.rounds;
  const rate = spreadOf(rateRatios(compared));
  const hasBar = atOnce > 1 && before === undefined;
  const cpuRatios = ratiosOf(
    ours.map(({ cpuUs }) => cpuUs),
    other.map(({ cpuUs }) => cpuUs),
  );
  const row = (label: string, all: readonly Measured[]) => [
    label,
    showSpread(spreadOf(all.map((measured) => measured.perSecond)), perSecond),
    showSpread(spreadOf(all.map(({ cpuUs }) => cpuUs)), two),
    showSpread(spreadOf(all.map(({ serverUs }) => serverUs)), two),
  ];
  return {
    title: `durable: an ack for each, ${atOnce} at once (${rounds} rounds of ${messages.toLocaleString("en-US")} messages)`,
    head: ["", "messages/s", "CPU us/message", "server"],
    rows: [
      row(before === undefined ? "raw `consume` with a callback" : "the version of before", other),
      row("nats-handlers", ours),
      ["ratio, pair by pair", showSpread(rate, two), showSpread(spreadOf(cpuRatios), two)],
    ],
    notes: hasBar ? [verdictLine(`messages/s ${two(rate.median)} of raw`, rate.median, "durableRate")] : [],
  };
}

export const durable: Scenario = {
  name: "durable",
  summary: "messages/s of a stream, an ack for each, 256 and 1 at once",
  run,
};
