// The scenarios that count messages per second share this: flood both contenders in turn, compare rates and CPU time.

import { flamesOf } from "../flame/flames.ts";
import { type Contender, type CpuNs, Lab } from "../lab.ts";
import { alternate, type Round, type Rounds, totalNs } from "../measure/rounds.ts";
import { ratiosOf, spreadOf } from "../measure/statistics.ts";
import { perSecond, showSpread, two, verdictLine } from "../output/figures.ts";
import type { Table } from "../output/table.ts";
import type { Flood, Flooded } from "../processes/flood.ts";
import type { Options, Report } from "../scenario.ts";
import type { ThresholdName } from "../thresholds.ts";
import type { Work } from "../work.ts";

export interface FloodPlan {
  readonly scenario: string;
  readonly title: string;
  readonly does: Work["does"];
  readonly handlers: number;
  /** All handlers on one subject: each gets every message. */
  readonly oneSubject: boolean;
  readonly payloadBytes: number;
  /** Messages published in a round. */
  readonly count: number;
  readonly step: number;
  readonly window: number;
  /** What its rate and its CPU are held to; those of events unless given. */
  readonly heldTo?: { readonly rate: ThresholdName; readonly cpu: ThresholdName };
}

/** Rounds. The heap of a process under load has found its size only after a million messages. */
const WARM_UP = 5;

/** What the scenarios make their numbers of. */
export interface FloodReport extends Report {
  readonly rateRatio: number;
  readonly cpuRatio: number;
}

export async function runFlood(plan: FloodPlan, options: Options): Promise<FloodReport> {
  const lab = await Lab.open(options.profile);
  try {
    const contenders = [
      await lab.raw(plan.scenario, worksOf(plan, "raw")),
      await lab.ours(plan.scenario, worksOf(plan, "ours")),
    ];
    const count = options.messages ?? plan.count;
    const flood = (contender: Contender, messages: number) =>
      lab.publisher.call("flood", floodOf(plan, contender.works, messages));
    const rounds = await alternate<Flooded>({
      lab,
      contenders,
      rounds: options.rounds,
      warmUp: (contender) => flood(contender, count * WARM_UP),
      measure: (contender) => flood(contender, count),
    });
    const failures = (await Promise.all(contenders.map((contender) => contender.failures()))).flat();
    for (const contender of contenders) await contender.close();
    const handled = roundUp(plan, count) * (plan.oneSubject ? plan.handlers : 1);
    const figures = figuresOf(rounds, handled);
    const measured = { scenario: plan.scenario, unit: "message", count: handled * options.rounds };
    return {
      flames: contenders.flatMap(({ name, profiles }) => flamesOf(profiles, { ...measured, rounds: rounds[name] })),
      tables: [tableOf(plan, figures, options.rounds, handled)],
      data: { plan, handled, rounds, figures },
      failures,
      rateRatio: spreadOf(figures.rateRatios).median,
      cpuRatio: spreadOf(figures.cpuRatios).median,
    };
  } finally {
    await lab.close();
  }
}

function worksOf({ handlers, oneSubject, does, step }: FloodPlan, who: string): Work[] {
  return Array.from({ length: handlers }, (_, at) => {
    const name = `${who}-${at}`;
    return { name, subject: oneSubject ? `bench.${who}` : `bench.${who}.${at}`, does, step };
  });
}

function floodOf(plan: FloodPlan, works: readonly Work[], messages: number): Flood {
  const { payloadBytes, step, window } = plan;
  const subjects = [...new Set(works.map(({ subject }) => subject))];
  return { subjects, handlers: works, count: roundUp(plan, messages), payloadBytes, step, window };
}

/** Whole steps on each subject: progress is told in steps, and the last one must be among them. */
function roundUp({ step, handlers, oneSubject }: FloodPlan, messages: number): number {
  const unit = step * (oneSubject ? 1 : handlers);
  return Math.ceil(messages / unit) * unit;
}

interface Figures {
  readonly raw: readonly RoundFigures[];
  readonly ours: readonly RoundFigures[];
  readonly rateRatios: readonly number[];
  readonly cpuRatios: readonly number[];
}

interface RoundFigures {
  readonly perSecond: number;
  readonly cpuUs: number;
  readonly partsUs: CpuNs;
  readonly aroundUs: CpuNs;
}

function figuresOf(rounds: Rounds<Flooded>, handled: number): Figures {
  const figures = ({ result, cpu, around }: Round<Flooded>): RoundFigures => ({
    perSecond: handled / (result.wallMs / 1_000),
    cpuUs: totalNs(cpu) / 1_000 / handled,
    partsUs: perMessage(cpu, handled),
    aroundUs: perMessage(around, handled),
  });
  const raw = rounds.raw.map(figures);
  const ours = rounds.ours.map(figures);
  return {
    raw,
    ours,
    rateRatios: ratiosOf(
      ours.map((round) => round.perSecond),
      raw.map((round) => round.perSecond),
    ),
    cpuRatios: ratiosOf(
      ours.map((round) => round.cpuUs),
      raw.map((round) => round.cpuUs),
    ),
  };
}

function perMessage(cpu: CpuNs, handled: number): CpuNs {
  return Object.fromEntries(Object.entries(cpu).map(([part, ns]) => [part, ns / 1_000 / handled]));
}

const AS_EVENTS = { rate: "eventRate", cpu: "eventCpu" } as const;

function tableOf(
  { title, handlers, heldTo = AS_EVENTS }: FloodPlan,
  figures: Figures,
  rounds: number,
  handled: number,
): Table {
  const rate = spreadOf(figures.rateRatios);
  const cpu = spreadOf(figures.cpuRatios);
  const each = handlers === 1 ? "" : ` by ${handlers} handlers`;
  return {
    title: `${title} (${rounds} rounds of ${handled.toLocaleString("en-US")} messages handled${each})`,
    head: ["", "messages/s", "CPU us/message", "supervisor", "workers", "server", "publisher"],
    rows: [
      rowOf("raw client", figures.raw),
      rowOf("nats-handlers", figures.ours),
      ["ratio, pair by pair", showSpread(rate, two), showSpread(cpu, two)],
    ],
    notes: [
      verdictLine(`messages/s ${two(rate.median)} of raw`, rate.median, heldTo.rate),
      verdictLine(`CPU per message ${two(cpu.median)} of raw`, cpu.median, heldTo.cpu),
    ],
  };
}

function rowOf(label: string, rounds: readonly RoundFigures[]): string[] {
  const part = (pick: (round: RoundFigures) => number | undefined) => {
    const values = rounds.map(pick).filter((value) => value !== undefined);
    return values.length === 0 ? "" : two(spreadOf(values).median);
  };
  return [
    label,
    showSpread(spreadOf(rounds.map((round) => round.perSecond)), perSecond),
    showSpread(spreadOf(rounds.map(({ cpuUs }) => cpuUs)), two),
    part(({ partsUs }) => partsUs.supervisor),
    part(({ partsUs }) => partsUs.workers),
    part(({ aroundUs }) => aroundUs.server),
    part(({ aroundUs }) => aroundUs.publisher),
  ];
}
