// What a message costs after two million: the runtime that has handled them beside two that are warm and have not. All are
// measured in turn, so that what the machine does in the meantime meets all three.

import { type Contender, Lab, type OurContender } from "../lab.ts";
import { percentile } from "../measure/statistics.ts";
import { middleOf, ofTwins, type Turns, takeTurns } from "../measure/turns.ts";
import { one, showSpread, two, verdictLine, whole } from "../output/figures.ts";
import type { Table } from "../output/table.ts";
import type { Options } from "../scenario.ts";
import { costOf, flood, TURNS_PER_ROUND, workOf } from "./turn.ts";

/** The heap of a process under load has found its size only after a million messages. */
const WARM_UP = 1_000_000;
const MESSAGES = 2_000_000;
const LOOKS = 8;
const TURN = 10_000;

type Name = "after 2 million" | "warm" | "another";

/** After so many messages. */
interface Look {
  readonly messages: number;
  /** Of the supervisor. */
  readonly heldMiB: number;
  readonly rssMiB: number;
}

export interface ByMessages {
  readonly looks: readonly Look[];
  /** CPU microseconds of a message. */
  readonly costs: Turns<Name>;
  readonly failures: readonly string[];
}

export async function measureMessages({ rounds, messages = MESSAGES }: Options): Promise<ByMessages> {
  const lab = await Lab.open(undefined);
  try {
    const old = await lab.ours("flat", [workOf("old")]);
    const contenders: readonly Contender<Name>[] = [
      { ...old, name: "after 2 million" },
      { ...(await lab.ours("flat", [workOf("warm")])), name: "warm" },
      { ...(await lab.ours("flat", [workOf("another")])), name: "another" },
    ];
    for (const { works } of contenders) await flood(lab, works, Math.min(WARM_UP, messages));
    const looks = [await look(old, 0)];
    for (let at = 1; at <= LOOKS; at++) {
      await flood(lab, old.works, messages / LOOKS);
      looks.push(await look(old, (at * messages) / LOOKS));
    }
    const costs = await takeTurns<Name, Contender<Name>>(contenders, rounds * TURNS_PER_ROUND, (contender) =>
      costOf(lab, contender, contender.works, TURN),
    );
    const failures = (await Promise.all(contenders.map((contender) => contender.failures()))).flat();
    return { looks, costs, failures };
  } finally {
    await lab.close();
  }
}

async function look(ours: OurContender, messages: number): Promise<Look> {
  return { messages, heldMiB: await ours.heldMiB(), rssMiB: ours.rssMiB() };
}

function ratiosOf({ costs }: ByMessages, name: Name): number[] {
  return ofTwins(costs[name], [costs.warm, costs.another]);
}

export function numbersOf(measured: ByMessages): { flatMessages: number; flatMemory: number } {
  const { looks } = measured;
  return {
    flatMessages: percentile(ratiosOf(measured, "after 2 million"), 0.5),
    flatMemory: looks.at(-1)!.heldMiB - looks[0]!.heldMiB,
  };
}

export function messagesTables(measured: ByMessages): Table[] {
  const { flatMessages, flatMemory } = numbersOf(measured);
  const { costs, looks } = measured;
  const row = (label: string, name: Name) => [
    label,
    showSpread(middleOf(costs[name]), two),
    showSpread(middleOf(ratiosOf(measured, name)), two),
  ];
  return [
    {
      title: `flat: CPU us of an event after ${whole(looks.at(-1)!.messages)} more than a warm-up (${costs.warm.length} turns each)`,
      head: ["runtime", "CPU us", "of the warm ones"],
      rows: [row("warm", "warm"), row("warm, another", "another"), row("after them", "after 2 million")],
      notes: [verdictLine(`${two(flatMessages)} of the warm ones`, flatMessages, "flatMessages")],
    },
    {
      title: "flat: memory, by the number of messages handled since the warm-up",
      head: ["messages", "held by the supervisor, MiB", "RSS of all, MiB"],
      rows: looks.map(({ messages, heldMiB, rssMiB }) => [whole(messages), two(heldMiB), one(rssMiB)]),
      notes: [verdictLine(`held ${two(flatMemory)} MiB more at the end`, flatMemory, "flatMemory")],
    },
  ];
}
