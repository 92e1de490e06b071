import { expect, it } from "vitest";
import {
  copiedNumber,
  firstNeeded,
  partitionFilter,
  subjectBefore,
  transformOf,
} from "../../../runtime/streams/ordered-stream.ts";

const division = (subject: string, wildcard: number) => ({
  ...{ subject, wildcard, partitions: 8, source: "SHOP", sourceCreated: "monday" },
});

it.each([
  ["order.*.placed", 0, "in-order.{{partition(8,1)}}.order.{{wildcard(1)}}.placed"],
  ["*.order.*", 1, "in-order.{{partition(8,2)}}.{{wildcard(1)}}.order.{{wildcard(2)}}"],
  ["order.*.>", 0, "in-order.{{partition(8,1)}}.order.{{wildcard(1)}}.>"],
])("%s by wildcard %i is stored as %s", (subject, wildcard, dest) => {
  expect(transformOf(division(subject, wildcard))).toEqual({ src: subject, dest });
});

it("the subject of a copy is what it was before", () => {
  expect(subjectBefore("in-order.3.order.k7.placed")).toBe("order.k7.placed");
  expect(partitionFilter(3, "order.*.placed")).toBe("in-order.3.order.*.placed");
});

it.each([
  ["SHOP 17 order.*.placed in-order.{{partition(8,1)}}.order.{{wildcard(1)}}.placed", 17],
  ["SHOP 17 order.*.placed in-order.> order.k0.placed 1OzJpwpu", 17],
  ["", undefined],
  ["SHOP", undefined],
])("a copy with the mark %j is of number %s", (mark, number) => {
  expect(copiedNumber({ get: () => mark })).toBe(number);
});

it("the first number that is needed is that after which a partition has something left; none where none has", () => {
  const durable = (floor: number, pending: number, inHand = 0) => ({
    num_pending: pending,
    num_ack_pending: inHand,
    ack_floor: { consumer_seq: 0, stream_seq: floor, last_active: 0 },
  });
  expect(firstNeeded([durable(7, 0), durable(4, 1), durable(5, 0, 1)])).toBe(5);
  expect(firstNeeded([durable(7, 0), durable(4, 0)])).toBeUndefined();
});
