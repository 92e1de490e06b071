// Durable messages beside nestjs-jetstream, which keeps its own stream, in files. So all three take theirs from files.

import { StorageType } from "@nats-io/jetstream";
import { nestjsContender, ourContender, rawContender } from "../durable/contenders.ts";
import { compare, type Measured, type Plan, withSite } from "../durable/rounds.ts";
import { spreadOf } from "../measure/statistics.ts";
import { perSecond, showSpread, two, whole } from "../output/figures.ts";
import { installPeers, peerVersion } from "../peer-packages.ts";
import type { Options, Report, Scenario } from "../scenario.ts";

const PLAN: Plan = { atOnce: 256, messages: 100_000, step: 1_000, storage: StorageType.File };

function run(options: Options): Promise<Report> {
  installPeers();
  return withSite(options, async (site) => {
    const plan = { ...PLAN, messages: options.messages ?? PLAN.messages };
    const contenders = {
      raw: await rawContender(plan, options, site),
      ours: await ourContender(plan, options, site),
      nestjs: await nestjsContender(plan, options, site),
    };
    const { rounds, failures } = await compare(plan, contenders, options.rounds, site);
    const all = (["raw", "ours", "nestjs"] as const).map((name) => ({
      label: contenders[name].label,
      ours: name === "ours",
      rate: spreadOf(rounds[name].map((measured: Measured) => measured.perSecond)),
      cpuUs: spreadOf(rounds[name].map(({ cpuUs }) => cpuUs)),
    }));
    const version = peerVersion("@horizon-republic/nestjs-jetstream", "nestjs-jetstream/");
    return {
      tables: [
        {
          title: `peers-durable: an ack for each, 256 at once, from files (${options.rounds} rounds of ${whole(plan.messages)} messages)`,
          head: ["", "messages/s", "CPU us/message"],
          rows: all.map(({ label, rate, cpuUs }) => [label, showSpread(rate, perSecond), showSpread(cpuUs, two)]),
          notes: [`nestjs-jetstream ${version}: acks before the handler runs, 100 at once, neither can be set`],
        },
      ],
      data: rounds,
      failures,
      pictures: [
        {
          file: "durable",
          title: "Durable messages per second, an ack for each",
          subtitle: "JetStream, from files, 120 bytes of JSON, parse + zod; more is better",
          bars: all.map(({ label, ours, rate }) => {
            return { label, value: rate.median, shown: perSecond(rate.median), ours };
          }),
        },
      ],
    };
  });
}

export const peersDurable: Scenario = {
  name: "peers-durable",
  summary: "durable messages beside nestjs-jetstream",
  run,
};
