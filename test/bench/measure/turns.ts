// Short turns, one contender after the other, many times. What else the machine does lasts longer than a turn, meets all
// alike, and goes when one is divided by another. Each turn another one begins, so that nobody always follows the same.
//
// What all are compared to takes part twice, as `twins` of equal right: their (geometric) mean is steadier than one of them, and how
// far they differ from each other is what noise alone comes to.

import { percentile, type Spread } from "./statistics.ts";

/** Cost of each turn, by contender. */
export type Turns<N extends string> = Readonly<Record<N, readonly number[]>>;

export async function takeTurns<N extends string, C extends { readonly name: N }>(
  contenders: readonly C[],
  turns: number,
  cost: (contender: C) => Promise<number>,
): Promise<Turns<N>> {
  const all = Object.fromEntries(contenders.map(({ name }) => [name, [] as number[]])) as Record<N, number[]>;
  for (let turn = 0; turn < turns; turn++) {
    for (let place = 0; place < contenders.length; place++) {
      const contender = contenders[(place + turn) % contenders.length]!;
      all[contender.name].push(await cost(contender));
    }
  }
  return all;
}

/** Of each turn, what it cost over what the twins cost in the same turn. */
export function ofTwins(
  costs: readonly number[],
  [one, other]: readonly [readonly number[], readonly number[]],
): number[] {
  return costs.map((cost, turn) => cost / Math.sqrt(one[turn]! * other[turn]!));
}

/** The median, and between what the middle half of the turns lies: of hundreds, the ends are accidents. */
export function middleOf(values: readonly number[]): Spread {
  return { median: percentile(values, 0.5), min: percentile(values, 0.25), max: percentile(values, 0.75) };
}
