// One `request` handler: parse, validate, small reply. One request at a time for the latency, 64 for the rate.

import { flamesOf } from "../flame/flames.ts";
import { type Contender, Lab } from "../lab.ts";
import { alternate, type Round, type Rounds, totalNs } from "../measure/rounds.ts";
import { percentile, ratiosOf, spreadOf } from "../measure/statistics.ts";
import { perSecond, showSpread, two, verdictLine, whole } from "../output/figures.ts";
import type { Table } from "../output/table.ts";
import type { Asked } from "../processes/publisher.ts";
import type { Options, Report, Scenario } from "../scenario.ts";
import type { Work } from "../work.ts";

const PAYLOAD_BYTES = 120;
/** More rounds, as they are short, and latencies are what other processes disturb most. */
const ONE_AT_A_TIME = { atOnce: 1, count: 2_000, timesRounds: 3, warmUp: 10_000 };
const MANY_AT_ONCE = { atOnce: 64, count: 30_000, timesRounds: 1, warmUp: 30_000 };

interface Asking {
  readonly atOnce: number;
  readonly count: number;
  /** Of the rounds that were asked for. */
  readonly timesRounds: number;
  readonly warmUp: number;
}

async function run(options: Options): Promise<Report> {
  const lab = await Lab.open(options.profile);
  try {
    const contenders = [await lab.raw("request", [workOf("raw")]), await lab.ours("request", [workOf("ours")])];
    const ask = (asking: Asking) => askInRounds(lab, contenders, options, asking);
    const serial = await ask({ ...ONE_AT_A_TIME, count: options.messages ?? ONE_AT_A_TIME.count });
    const parallel = await ask(MANY_AT_ONCE);
    const failures = (await Promise.all(contenders.map((contender) => contender.failures()))).flat();
    for (const contender of contenders) await contender.close();
    const flames = (scenario: string, rounds: Rounds<Asked>) =>
      contenders.flatMap(({ name, profiles }) => {
        const count = rounds[name].reduce((sum, { result }) => sum + result.latenciesMs.length, 0);
        return flamesOf(profiles, { scenario, unit: "request", count, rounds: rounds[name] });
      });
    return {
      flames: [...flames("requests alone", serial), ...flames("64 requests at once", parallel)],
      tables: [latencyTable(serial), rateTable(parallel)],
      data: { oneAtATime: summary(serial), at64: summary(parallel) },
      failures: [...failures, ...refusals(serial), ...refusals(parallel)],
      numbers: { requestP50: spreadOf(p50Ratios(serial)).median },
    };
  } finally {
    await lab.close();
  }
}

function workOf(name: string): Work {
  return { name, subject: `bench.ask.${name}`, does: "reply", step: 1 };
}

function askInRounds(
  lab: Lab,
  contenders: readonly Contender[],
  { rounds }: Options,
  asking: Asking,
): Promise<Rounds<Asked>> {
  const ask = ({ works }: Contender, count: number) =>
    lab.publisher.call("ask", {
      subject: works[0]!.subject,
      payloadBytes: PAYLOAD_BYTES,
      atOnce: asking.atOnce,
      count,
    });
  return alternate<Asked>({
    lab,
    contenders,
    rounds: rounds * asking.timesRounds,
    warmUp: (contender) => ask(contender, asking.warmUp),
    measure: (contender) => ask(contender, asking.count),
  });
}

function percentileUs(share: number): (round: Round<Asked>) => number {
  return ({ result }) => percentile(result.latenciesMs, share) * 1_000;
}

function rateOf({ result }: Round<Asked>): number {
  return result.latenciesMs.length / (result.wallMs / 1_000);
}

function cpuUs({ result, cpu }: Round<Asked>): number {
  return totalNs(cpu) / 1_000 / result.latenciesMs.length;
}

function p50Ratios(rounds: Rounds<Asked>): number[] {
  const p50 = percentileUs(0.5);
  return ratiosOf(rounds.ours.map(p50), rounds.raw.map(p50));
}

function latencyTable(rounds: Rounds<Asked>): Table {
  const p50 = percentileUs(0.5);
  const p99 = percentileUs(0.99);
  const ratio = spreadOf(p50Ratios(rounds));
  const row = (label: string, of: readonly Round<Asked>[]) => [
    label,
    showSpread(spreadOf(of.map(p50)), whole),
    showSpread(spreadOf(of.map(p99)), whole),
    showSpread(spreadOf(of.map(cpuUs)), whole),
  ];
  return {
    title: `request: one at a time (${rounds.raw.length} rounds of ${rounds.raw[0]!.result.latenciesMs.length} requests)`,
    head: ["", "p50 us", "p99 us", "CPU us/request"],
    rows: [
      row("raw client", rounds.raw),
      row("nats-handlers", rounds.ours),
      [
        "ratio, pair by pair",
        showSpread(ratio, two),
        showSpread(spreadOf(ratiosOf(rounds.ours.map(p99), rounds.raw.map(p99))), two),
        showSpread(spreadOf(ratiosOf(rounds.ours.map(cpuUs), rounds.raw.map(cpuUs))), two),
      ],
    ],
    notes: [verdictLine(`p50 ${two(ratio.median)} of raw`, ratio.median, "requestP50")],
  };
}

function rateTable(rounds: Rounds<Asked>): Table {
  const row = (label: string, of: readonly Round<Asked>[]) => [
    label,
    showSpread(spreadOf(of.map(rateOf)), perSecond),
    showSpread(spreadOf(of.map(percentileUs(0.99))), whole),
    showSpread(spreadOf(of.map(cpuUs)), two),
  ];
  const rates = ratiosOf(rounds.ours.map(rateOf), rounds.raw.map(rateOf));
  const cpus = ratiosOf(rounds.ours.map(cpuUs), rounds.raw.map(cpuUs));
  return {
    title: `request: 64 at a time (${rounds.raw.length} rounds of ${rounds.raw[0]!.result.latenciesMs.length} requests)`,
    head: ["", "requests/s", "p99 us", "CPU us/request"],
    rows: [
      row("raw client", rounds.raw),
      row("nats-handlers", rounds.ours),
      ["ratio, pair by pair", showSpread(spreadOf(rates), two), "", showSpread(spreadOf(cpus), two)],
    ],
    notes: ["the one requesting process is the limit of both: it takes most of a core"],
  };
}

function summary(rounds: Rounds<Asked>): unknown {
  const figures = (round: Round<Asked>) => ({
    p50Us: percentileUs(0.5)(round),
    p99Us: percentileUs(0.99)(round),
    perSecond: rateOf(round),
    cpuUs: cpuUs(round),
    cpu: round.cpu,
    around: round.around,
  });
  return { raw: rounds.raw.map(figures), ours: rounds.ours.map(figures) };
}

function refusals(rounds: Rounds<Asked>): string[] {
  const failed = [...rounds.raw, ...rounds.ours].reduce((sum, { result }) => sum + result.failed, 0);
  return failed === 0 ? [] : [`${failed} requests were answered with an error or nothing`];
}

export const request: Scenario = { name: "request", summary: "latency one at a time, rate at 64", run };
