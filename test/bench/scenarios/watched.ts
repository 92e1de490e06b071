// What the page costs the runtime: with nobody looking, beside a version that could not be watched (--before); with the list
// of messages open at 2,000 a second; and with it open in a flood, where it records a bounded part and says how much more there was.

import { Lab, type OurContender } from "../lab.ts";
import { besideBefore, type Compared } from "../measure/beside-before.ts";
import { alternate, type Round, totalNs } from "../measure/rounds.ts";
import { ratiosOf, spreadOf } from "../measure/statistics.ts";
import { perSecond, showSpread, two, whole } from "../output/figures.ts";
import type { Table } from "../output/table.ts";
import type { Flood, Flooded } from "../processes/flood.ts";
import type { Heard, OnlookerCommands } from "../processes/onlooker.ts";
import type { Child } from "../rpc.ts";
import type { Options, Report, Scenario } from "../scenario.ts";
import type { Work } from "../work.ts";

const PACE = 2_000;
const PACE_MS = 10_000;
const FLOOD = { payloadBytes: 120, step: 1_000, window: 8_000 };
const COUNT = 300_000;
const WARM_UP = 5;
/** The lease of whoever has gone, and a little more: then nothing is recorded. */
const LEASE_OVER_MS = 11_000;
/** Until the runtime has told how many it did not record. Waited for in every round: the pairs stay alike. */
const TOLD_MS = 1_000;
/** Times the CPU per message with the list open. */
const WANTED = 1.05;
const APP = "bench";

export const watched: Scenario = {
  name: "watched",
  summary: "what it costs that messages can be watched: nobody does, one does, in a flood; --before DIR",
  async run(options) {
    const lab = await Lab.open(undefined);
    try {
      const unwatched = options.before === undefined ? undefined : await unwatchedFlood(lab, options, options.before);
      const ours = await lab.ours("watched", [workOf("ours")]);
      const onlooker = lab.child<OnlookerCommands>(new URL("../processes/onlooker.ts", import.meta.url));
      await onlooker.call("start", lab.server.url);
      const steady = await steadily(lab, options, ours, onlooker);
      const flood = await floods(lab, options, ours, onlooker);
      const failures = await ours.failures();
      await ours.close();
      const tables = [...(unwatched === undefined ? [] : [unwatched.table]), steady.table, flood.table];
      return {
        tables,
        data: { unwatched, steady, flood },
        failures: [...failures, ...flood.failures, ...(unwatched?.failures ?? [])],
      } satisfies Report;
    } finally {
      await lab.close();
    }
  },
};

function workOf(name: string): Work {
  return { name, subject: `bench.${name}`, does: "count", step: FLOOD.step };
}

function floodOf(works: readonly Work[], messages: number): Flood {
  const count = Math.ceil(messages / FLOOD.step) * FLOOD.step;
  return { ...FLOOD, subjects: works.map(({ subject }) => subject), handlers: works, count };
}

/** Nobody looks: CPU per message beside a version of before, in another folder with its packages. */
function unwatchedFlood(lab: Lab, { rounds, messages = COUNT }: Options, before: string): Promise<Compared> {
  return besideBefore(lab, {
    ...{ scenario: "watched", title: "nobody looks", before, rounds, messages, workOf },
    warmUp: messages * WARM_UP,
    run: (work, count) => lab.publisher.call("flood", floodOf([work], count)),
  });
}

type Look = "alone" | "watched";

/** The same process in turn with and without somebody who looks. */
async function inTurn<T>(
  lab: Lab,
  rounds: number,
  ours: OurContender,
  onlooker: Child<OnlookerCommands>,
  measure: () => Promise<T>,
) {
  const looks = (["alone", "watched"] as const).map((name) => ({ ...ours, name }));
  const heard: Heard[] = [];
  const results = await alternate<T, Look>({
    lab,
    contenders: looks,
    rounds,
    warmUp: () => measure(),
    prepare: async ({ name }) => {
      if (name === "watched") return onlooker.call("open", APP);
      await onlooker.call("shut", null);
      await new Promise((resolve) => setTimeout(resolve, LEASE_OVER_MS));
    },
    measure: async ({ name }) => {
      const result = await measure();
      await new Promise((resolve) => setTimeout(resolve, TOLD_MS));
      if (name === "watched") heard.push({ ...(await onlooker.call("heard", null)) });
      return result;
    },
  });
  return { results, heard };
}

async function steadily(lab: Lab, { rounds }: Options, ours: OurContender, onlooker: Child<OnlookerCommands>) {
  const pace = { subject: ours.works[0]!.subject, perSecond: PACE, forMs: PACE_MS, payloadBytes: FLOOD.payloadBytes };
  const { results, heard } = await inTurn(lab, rounds, ours, onlooker, () => lab.publisher.call("steady", pace));
  const cpuUs = (all: readonly Round<number>[]) => all.map(({ cpu, result }) => totalNs(cpu) / 1_000 / result);
  const [alone, open] = [cpuUs(results.alone), cpuUs(results.watched)];
  const ratio = spreadOf(ratiosOf(open, alone));
  const table: Table = {
    title: `the list of messages open at ${whole(PACE)} messages/s (${rounds} rounds of ${PACE_MS / 1_000} s, in turn)`,
    head: ["", "CPU us/message", "recorded/s", "told as missed/s"],
    rows: [
      ["nobody looks", showSpread(spreadOf(alone), one), "", ""],
      ["one looks", showSpread(spreadOf(open), one), ...heardRow(heard, PACE_MS)],
      ["ratio, pair by pair", showSpread(ratio, two), "", ""],
    ],
    notes: [`${two(ratio.median)} times the CPU (wanted: at most ${two(WANTED)})`],
  };
  return { table, alone, open, heard };
}

async function floods(
  lab: Lab,
  { rounds, messages = COUNT }: Options,
  ours: OurContender,
  onlooker: Child<OnlookerCommands>,
) {
  const { results, heard } = await inTurn(lab, rounds, ours, onlooker, () =>
    lab.publisher.call("flood", floodOf(ours.works, messages)),
  );
  const cpuUs = (all: readonly Round<Flooded>[]) => all.map(({ cpu }) => totalNs(cpu) / 1_000 / messages);
  const rates = (all: readonly Round<Flooded>[]) => all.map(({ result }) => messages / (result.wallMs / 1_000));
  const [alone, open] = [results.alone, results.watched];
  const wallMs = spreadOf(open.map(({ result }) => result.wallMs)).median;
  const table: Table = {
    title: `the list of messages open in a flood (${rounds} rounds of ${whole(messages)} messages, in turn)`,
    head: ["", "messages/s", "CPU us/message", "recorded/s", "told as missed/s"],
    rows: [
      ["nobody looks", showSpread(spreadOf(rates(alone)), perSecond), showSpread(spreadOf(cpuUs(alone)), two), "", ""],
      [
        "one looks",
        showSpread(spreadOf(rates(open)), perSecond),
        showSpread(spreadOf(cpuUs(open)), two),
        ...heardRow(heard, wallMs),
      ],
      ["ratio, pair by pair", "", showSpread(spreadOf(ratiosOf(cpuUs(open), cpuUs(alone))), two), "", ""],
    ],
    notes: ["wanted: bounded, and said"],
  };
  // Each message is either recorded or told as missed; the last of them are told a moment after the round.
  const unsaid = heard.filter(({ recorded, missed }) => recorded + missed < messages * 0.9);
  const failures = unsaid.map(
    ({ recorded, missed }) => `of ${messages} messages ${recorded} were recorded, and ${missed} told as missed`,
  );
  return { table, cpu: { alone: cpuUs(alone), open: cpuUs(open) }, heard, failures };
}

const one = (value: number) => value.toFixed(1);

function heardRow(heard: readonly Heard[], inMs: number): string[] {
  const each = (pick: (one: Heard) => number) => whole(spreadOf(heard.map(pick)).median / (inMs / 1_000));
  return [each(({ recorded }) => recorded), each(({ missed }) => missed)];
}
