// One turn: a short flood, and what it cost.

import type { Contender, Lab } from "../lab.ts";
import { totalNs } from "../measure/rounds.ts";
import type { Work } from "../work.ts";

export const TURNS_PER_ROUND = 20;

/** Fits into the receive buffer of a connection: what else the machine does must not make the kernel drop and resend. */
const FLOOD = { payloadBytes: 120, step: 100, window: 400 };

export function workOf(name: string): Work {
  return { name: `flat-${name}`, subject: `bench.flat.${name}`, does: "count", step: FLOOD.step };
}

/** At least so many messages to each; how many in all. */
export async function flood(lab: Lab, works: readonly Work[], each: number): Promise<number> {
  const count = Math.ceil(each / FLOOD.step) * FLOOD.step * works.length;
  const subjects = works.map(({ subject }) => subject);
  await lab.publisher.call("flood", { ...FLOOD, handlers: works, subjects, count });
  return count;
}

/** CPU microseconds of a message. */
export async function costOf(
  lab: Lab,
  contender: Contender<string>,
  works: readonly Work[],
  each: number,
): Promise<number> {
  const before = totalNs(contender.cpu());
  const count = await flood(lab, works, each);
  return (totalNs(contender.cpu()) - before) / 1_000 / count;
}
