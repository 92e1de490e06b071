// What a message costs beside more handlers: one of them has work and the others are idle, or all have, in turn.

import { type Contender, Lab } from "../lab.ts";
import { alternate, totalNs } from "../measure/rounds.ts";
import { percentile, spreadOf } from "../measure/statistics.ts";
import { middleOf, ofTwins, type Turns, takeTurns } from "../measure/turns.ts";
import { showSpread, two, verdictLine } from "../output/figures.ts";
import type { Table } from "../output/table.ts";
import type { Options } from "../scenario.ts";
import type { Work } from "../work.ts";
import { costOf, flood, TURNS_PER_ROUND, workOf } from "./turn.ts";

const RUNTIMES = { "1": 1, "1, another": 1, "10": 10, "50": 50, "200": 200 } as const;
type Name = keyof typeof RUNTIMES;
const NAMES = Object.keys(RUNTIMES).toSorted((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10)) as Name[];
const MORE: readonly Name[] = ["10", "50", "200"];

const MESSAGES = 200_000;
/** Of a round in which all are busy. Not judged: it may be shorter. */
const MOST_OF_ALL = 100_000;
/** Messages of each busy handler: compilers settle in every process on their own. */
const WARM_UP = { oneBusy: 300_000, allBusy: 2_500 };

export interface ByHandlers {
  /** CPU microseconds of a message. */
  readonly oneBusy: Turns<Name>;
  /** Of each round. */
  readonly allBusy: Readonly<Partial<Record<Name, readonly number[]>>>;
  readonly failures: readonly string[];
}

export async function measureHandlers({ rounds, messages = MESSAGES }: Options): Promise<ByHandlers> {
  const lab = await Lab.open(undefined);
  try {
    const contenders: Contender<Name>[] = [];
    for (const name of NAMES) contenders.push({ ...(await lab.ours("flat", worksOf(name))), name });
    const oneBusy = await turnsOfOne(lab, contenders, rounds * TURNS_PER_ROUND, messages / TURNS_PER_ROUND);
    for (const { works } of contenders) for (const work of works) await flood(lab, [work], work.step);
    const once = contenders.filter(({ name }) => name !== "1, another");
    const allBusy = await roundsOfAll(lab, once, rounds, Math.min(messages, MOST_OF_ALL));
    const failures = (await Promise.all(contenders.map((contender) => contender.failures()))).flat();
    return { oneBusy, allBusy, failures };
  } finally {
    await lab.close();
  }
}

async function turnsOfOne(
  lab: Lab,
  contenders: readonly Contender<Name>[],
  turns: number,
  messages: number,
): Promise<Turns<Name>> {
  const first = ({ works }: Contender<Name>) => works.slice(0, 1);
  for (const contender of contenders) await flood(lab, first(contender), WARM_UP.oneBusy);
  return takeTurns<Name, Contender<Name>>(contenders, turns, (contender) =>
    costOf(lab, contender, first(contender), messages),
  );
}

async function roundsOfAll(lab: Lab, contenders: readonly Contender<Name>[], rounds: number, messages: number) {
  const all = await alternate<number, Name>({
    lab,
    contenders,
    rounds,
    warmUp: ({ works }) => flood(lab, works, WARM_UP.allBusy),
    measure: ({ works }) => flood(lab, works, messages / works.length),
  });
  return Object.fromEntries(
    contenders.map(({ name }) => [name, all[name].map(({ result, cpu }) => totalNs(cpu) / 1_000 / result)]),
  );
}

function worksOf(name: Name): Work[] {
  const runtime = NAMES.indexOf(name);
  return Array.from({ length: RUNTIMES[name] }, (_, at) => workOf(`${runtime}-${at}`));
}

function ratiosOf({ oneBusy }: ByHandlers, name: Name): number[] {
  return ofTwins(oneBusy[name], [oneBusy["1"], oneBusy["1, another"]]);
}

/** The dearest of them, of what it costs with one handler. */
export function worstOf(measured: ByHandlers): number {
  return Math.max(...MORE.map((name) => percentile(ratiosOf(measured, name), 0.5)));
}

export function handlersTable(measured: ByHandlers): Table {
  const { oneBusy, allBusy } = measured;
  const worst = worstOf(measured);
  return {
    title: `flat: CPU us of an event, by the number of handlers (${oneBusy["1"].length} turns each)`,
    head: ["handlers", "one busy, others idle", "of one handler", "all busy, each in a process"],
    rows: NAMES.map((name) => [
      name,
      showSpread(middleOf(oneBusy[name]), two),
      showSpread(middleOf(ratiosOf(measured, name)), two),
      allBusy[name] === undefined ? "" : showSpread(spreadOf(allBusy[name]), two),
    ]),
    notes: [
      "one busy: the middle half of the turns in brackets; ratios are to the two of one handler, turn by turn",
      verdictLine(`one busy, the dearest ${two(worst)} of one handler`, worst, "flatHandlers"),
    ],
  };
}
