// What a second process costs, and what the runtime adds to it: one message at a time, where no batch shares the way. Beside the raw
// client and ours stands the raw client whose handler is in another process, with nothing but a socket between the two.

import { StorageType } from "@nats-io/jetstream";
import { hopContender, ourContender, rawContender } from "../durable/contenders.ts";
import { type Compared, compare, type Plan, withSite } from "../durable/rounds.ts";
import { Lab } from "../lab.ts";
import { alternate, type Round, type Rounds, totalNs } from "../measure/rounds.ts";
import { percentile, ratiosOf, spreadOf } from "../measure/statistics.ts";
import { showSpread, two, whole } from "../output/figures.ts";
import type { Table } from "../output/table.ts";
import type { Asked } from "../processes/publisher.ts";
import type { Options, Report, Scenario } from "../scenario.ts";
import type { Work } from "../work.ts";

type Name = "raw" | "hop" | "ours";

const NAMES: readonly Name[] = ["raw", "hop", "ours"];
const LABELS = {
  raw: "raw client",
  hop: "raw client, its handler in a second process",
  ours: "nats-handlers",
} as const;
const RAW_HOP = new URL("../processes/raw-hop.ts", import.meta.url);
const ASKED = { atOnce: 1, payloadBytes: 120, count: 2_000, timesRounds: 3, warmUp: 10_000 };
const PLAN: Plan = { atOnce: 1, messages: 10_000, step: 100, storage: StorageType.Memory };

/** Of one contender in one round. */
interface Figures {
  readonly us: number;
  readonly cpuUs: number;
}

async function run(options: Options): Promise<Report> {
  const asked = await request(options);
  const taken = await durable(options);
  const rounds = { asked: asked.rounds.raw.length, taken: options.rounds };
  const requests = inRounds((name) => asked.rounds[name].map(figuresOf));
  const messages = inRounds((name) =>
    taken.rounds[name].map(({ perSecond, cpuUs }) => ({ us: 1_000_000 / perSecond, cpuUs })),
  );
  return {
    tables: [
      tableOf(`a request at a time (${rounds.asked} rounds of ${ASKED.count})`, "p50 us", requests),
      tableOf(`a durable message at a time (${rounds.taken} rounds of ${PLAN.messages})`, "us each", messages),
    ],
    data: { requests, messages },
    failures: [...asked.failures, ...taken.failures],
  };
}

async function request(options: Options): Promise<{ rounds: Rounds<Asked, Name>; failures: string[] }> {
  const lab = await Lab.open(undefined);
  try {
    const contenders = [
      await lab.raw("hop", [workOf("raw")]),
      await lab.program("hop", { name: "hop", label: LABELS.hop, url: RAW_HOP }, [workOf("hop")]),
      await lab.ours("hop", [workOf("ours")]),
    ];
    const rounds = await alternate<Asked, Name>({
      lab,
      contenders,
      rounds: options.rounds * ASKED.timesRounds,
      warmUp: ({ works }) => lab.publisher.call("ask", { ...ASKED, subject: works[0]!.subject, count: ASKED.warmUp }),
      measure: ({ works }) => lab.publisher.call("ask", { ...ASKED, subject: works[0]!.subject }),
    });
    const failures = (await Promise.all(contenders.map((contender) => contender.failures()))).flat();
    for (const contender of contenders) await contender.close();
    const failed = NAMES.flatMap((name) => rounds[name]).reduce((sum, { result }) => sum + result.failed, 0);
    if (failed > 0) failures.push(`${failed} requests were answered with an error or nothing`);
    return { rounds, failures };
  } finally {
    await lab.close();
  }
}

function durable(options: Options): Promise<Compared<Name>> {
  return withSite(options, async (site) => {
    const contenders = {
      raw: await rawContender(PLAN, options, site),
      hop: await hopContender(PLAN, options, site),
      ours: await ourContender(PLAN, options, site),
    };
    return compare(PLAN, contenders, options.rounds, site);
  });
}

function workOf(name: string): Work {
  return { name, subject: `bench.hop.${name}`, does: "reply", step: 1 };
}

function figuresOf({ result, cpu }: Round<Asked>): Figures {
  const { latenciesMs } = result;
  return { us: percentile(latenciesMs, 0.5) * 1_000, cpuUs: totalNs(cpu) / 1_000 / latenciesMs.length };
}

function inRounds(figures: (name: Name) => Figures[]): Record<Name, Figures[]> {
  return { raw: figures("raw"), hop: figures("hop"), ours: figures("ours") };
}

function tableOf(title: string, unit: string, figures: Record<Name, Figures[]>): Table {
  const of = (name: Name, what: keyof Figures) => figures[name].map((each) => each[what]);
  const ratio = (name: Name, what: keyof Figures) =>
    showSpread(spreadOf(ratiosOf(of(name, what), of("raw", what))), two);
  return {
    title,
    head: ["", unit, "of raw", "CPU us", "of raw"],
    rows: NAMES.map((name) => [
      LABELS[name],
      showSpread(spreadOf(of(name, "us")), whole),
      ratio(name, "us"),
      showSpread(spreadOf(of(name, "cpuUs")), whole),
      ratio(name, "cpuUs"),
    ]),
    notes: [],
  };
}

export const hop: Scenario = {
  name: "hop",
  summary: "what a second process costs, and what the runtime adds to it",
  run,
};
