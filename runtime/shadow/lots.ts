// Messages a lot at a time. Each version gets deliveries of its own.

import type { Delivery } from "../message/delivery.ts";

/** Enough to keep a worker busy, few enough to hold in memory. */
const LOT = 256;

/** Each lot makes its deliveries anew. */
export async function* inLots(all: AsyncIterable<() => Delivery>): AsyncGenerator<() => Delivery[]> {
  let lot: (() => Delivery)[] = [];
  const deliveries = (made: readonly (() => Delivery)[]) => () => made.map((make) => make());
  for await (const make of all) {
    if (lot.push(make) < LOT) continue;
    yield deliveries(lot);
    lot = [];
  }
  if (lot.length > 0) yield deliveries(lot);
}
