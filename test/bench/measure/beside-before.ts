// This version beside one of before, in turn: what the same messages cost each, pair by pair.

import { pathToFileURL } from "node:url";
import type { Lab } from "../lab.ts";
import { showSpread, two, whole } from "../output/figures.ts";
import type { Table } from "../output/table.ts";
import type { Work } from "../work.ts";
import { alternate, type Round, totalNs } from "./rounds.ts";
import { ratiosOf, spreadOf } from "./statistics.ts";

export interface Comparison {
  readonly scenario: string;
  readonly title: string;
  /** A folder with the version of before and its packages. */
  readonly before: string;
  readonly rounds: number;
  /** Messages of a round, and of what goes before the first. */
  readonly messages: number;
  readonly warmUp: number;
  readonly workOf: (name: string) => Work;
  readonly run: (work: Work, messages: number) => Promise<unknown>;
}

/** More of the CPU than this is a cost. */
export const MOST_RATIO = 1.01;

export interface Compared {
  readonly table: Table;
  /** CPU microseconds of each message. */
  readonly was: readonly number[];
  readonly is: readonly number[];
  readonly ratio: number;
  readonly failures: readonly string[];
}

/**
 * The compilers of a process settle one way or another for as long as it lives, which may be a fifth of its CPU: after so many rounds
 * both begin anew.
 */
const ROUNDS_OF_A_PROCESS = 2;

interface Measured {
  readonly before: readonly Round<unknown>[];
  readonly now: readonly Round<unknown>[];
  readonly failures: readonly string[];
}

export async function besideBefore(lab: Lab, comparison: Comparison): Promise<Compared> {
  const { title, rounds, messages } = comparison;
  const sets: Measured[] = [];
  for (let left = rounds; left > 0; left -= ROUNDS_OF_A_PROCESS)
    sets.push(await measuredAnew(lab, comparison, Math.min(left, ROUNDS_OF_A_PROCESS)));
  const measured = { before: sets.flatMap(({ before }) => before), now: sets.flatMap(({ now }) => now) };
  const failures = sets.flatMap((set) => set.failures);
  const cpuUs = (all: readonly Round<unknown>[]) => all.map(({ cpu }) => totalNs(cpu) / 1_000 / messages);
  const [was, is] = [cpuUs(measured.before), cpuUs(measured.now)];
  const ratio = spreadOf(ratiosOf(is, was));
  const table: Table = {
    title: `${title} (${rounds} rounds of ${whole(messages)} messages, in turn, processes anew after ${ROUNDS_OF_A_PROCESS})`,
    head: ["", "CPU us/message"],
    rows: [
      ["before", showSpread(spreadOf(was), two)],
      ["now", showSpread(spreadOf(is), two)],
      ["ratio, pair by pair", showSpread(ratio, (value) => value.toFixed(3))],
    ],
    notes: [`wanted: at most ${MOST_RATIO}: ${ratio.median <= MOST_RATIO ? "reached" : "missed"}`],
  };
  return { table, was, is, ratio: ratio.median, failures };
}

/** By two processes of its own. */
async function measuredAnew(lab: Lab, comparison: Comparison, rounds: number): Promise<Measured> {
  const { scenario, before, messages, warmUp, workOf, run } = comparison;
  const folder = pathToFileURL(`${before.replace(/\/$/, "")}/`);
  const contenders = [
    { ...(await lab.ours(scenario, [workOf("before")], folder)), name: "before" as const },
    { ...(await lab.ours(scenario, [workOf("now")])), name: "now" as const },
  ];
  const measured = await alternate<unknown, "before" | "now">({
    lab,
    contenders,
    rounds,
    warmUp: ({ works }) => run(works[0]!, warmUp),
    measure: ({ works }) => run(works[0]!, messages),
  });
  const failures = (await Promise.all(contenders.map((contender) => contender.failures()))).flat();
  for (const contender of contenders) await contender.close();
  return { ...measured, failures };
}
