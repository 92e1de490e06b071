// What each option of a durable handler costs a message, beside the same handler without it.

import { StorageType } from "@nats-io/jetstream";
import { isSince } from "../../../runtime/nats/server-version.ts";
import { optionContender } from "../durable/contenders.ts";
import { compare, type DurableContender, type Measured, type Plan, withSite } from "../durable/rounds.ts";
import { ratiosOf, spreadOf } from "../measure/statistics.ts";
import { perSecond, showSpread, two, whole } from "../output/figures.ts";
import type { Options, Report, Scenario } from "../scenario.ts";

const PLAN: Plan = { atOnce: 64, messages: 50_000, step: 1_000, storage: StorageType.Memory, keys: 64 };
const AT_ONCE = `concurrency: ${PLAN.atOnce}`;

interface Benched {
  readonly label: string;
  /** As it is written in the metadata. */
  readonly option: string;
  /** First version of nats-server that has it. */
  readonly since?: readonly [number, number];
}

const PLAIN = "plain";
const OPTIONS: Readonly<Record<string, Benched>> = {
  [PLAIN]: { label: "without an option", option: AT_ONCE },
  when: { label: "when", option: `${AT_ONCE}, when: () => true` },
  expires: { label: "expires", option: `${AT_ONCE}, expires: "1h"` },
  "order-here": { label: "orderBy: a function", option: `${AT_ONCE}, orderBy: ({ item }) => item` },
  order: {
    label: "orderBy: { wildcard, partitions: 64 }",
    option: "orderBy: { wildcard: 0, partitions: 64 }",
    since: [2, 10],
  },
  "order-field": {
    label: "orderBy: { field, partitions: 64 }",
    option: 'orderBy: { field: "item", partitions: 64 }',
    since: [2, 10],
  },
  batch: { label: "batch: { size: 64 }", option: "batch: { size: 64 }" },
  singleton: { label: "singleton", option: `${AT_ONCE}, singleton: true` },
  fair: { label: "fairBy: wildcard", option: `${AT_ONCE}, fairBy: { key: { wildcard: 0 } }` },
  "rate-fleet": { label: "rate: 10,000/s, per fleet", option: `${AT_ONCE}, rate: { limit: "10000/s", per: "fleet" }` },
  // Each message has a key of its own, so that all are run.
  throttle: {
    label: "throttle, each has a key",
    option: `${AT_ONCE}, throttle: { every: "1s", key: { field: "id" } }`,
  },
  debounce: {
    label: "debounce, each has a key",
    option: `${AT_ONCE}, debounce: { wait: "1ms", key: { field: "id" } }`,
  },
  "batch-key": { label: "batch: { size: 64, key: wildcard }", option: "batch: { size: 64, key: { wildcard: 0 } }" },
};

function run(options: Options): Promise<Report> {
  return withSite(options, async (site) => {
    const plan = { ...PLAN, messages: options.messages ?? PLAN.messages };
    const version = site.nats.info!.version;
    const named = Object.entries(OPTIONS).filter(([, { since }]) => since === undefined || isSince(version, since));
    const contenders: Record<string, DurableContender> = {};
    for (const [name, benched] of named) contenders[name] = await optionContender({ name, ...benched }, plan, site);
    const { rounds, failures } = await compare(plan, contenders, options.rounds, site);
    const cpu = (name: string) => rounds[name]!.map(({ cpuUs }) => cpuUs);
    const server = (name: string) => rounds[name]!.map(({ serverUs }) => serverUs);
    const row = (name: string, all: readonly Measured[]) => [
      OPTIONS[name]!.label,
      showSpread(spreadOf(all.map((measured) => measured.perSecond)), perSecond),
      showSpread(spreadOf(cpu(name)), two),
      showSpread(spreadOf(ratiosOf(cpu(name), cpu(PLAIN))), two),
      showSpread(spreadOf(ratiosOf(server(name), server(PLAIN))), two),
    ];
    return {
      tables: [
        {
          title: `options of a durable handler (${options.rounds} rounds of ${whole(plan.messages)} messages of ${PLAN.keys} keys)`,
          head: ["", "messages/s", "CPU us/message", "of plain", "server, of plain"],
          rows: named.map(([name]) => row(name, rounds[name]!)),
          notes: [],
        },
      ],
      data: rounds,
      failures,
    };
  });
}

export const options: Scenario = {
  name: "options",
  summary: "what each option of a durable handler costs a message, beside the same handler without it",
  run,
};
