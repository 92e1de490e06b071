// Which partition of an order a key belongs to.

import { expect, it } from "vitest";
import { partitionOf } from "../../../runtime/bind/sorter.ts";

it("a key stays in its partition, whichever version of the runtime puts it there", () => {
  expect(["", "ann", "bob", "tenant-17"].map((key) => partitionOf(key, 8))).toEqual([2, 5, 0, 4]);
});

it("keys are spread over all partitions", () => {
  const counts = Array(8).fill(0) as number[];
  for (let key = 0; key < 8_000; key++) counts[partitionOf(`key-${key}`, 8)]!++;
  for (const count of counts) expect(Math.abs(count - 1_000)).toBeLessThan(150);
});
