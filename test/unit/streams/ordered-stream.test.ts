import type { StreamInfo } from "@nats-io/jetstream";
import { describe, expect, it } from "vitest";
import {
  claimBefore,
  copiedNumber,
  everyPartition,
  fedNoMore,
  firstNeeded,
  headersBefore,
  headersOfCopy,
  isSameDivision,
  orderedStreamConfig,
  orderedStreamOf,
  partitionFilter,
  sortedSubjects,
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
  const stream = { name: "ORDER_x_a", division: division("order.*.placed", 0) };
  expect(partitionFilter(stream, 3)).toBe("in-order.3.order.*.placed");
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

describe("what we put in order ourselves", () => {
  const byHeader = { header: "tenant", partitions: 4, subject: "order.*", source: "SHOP", sourceCreated: "monday" };
  const stream = { name: "ORDER_x_a", division: byHeader };

  it("is published to subjects that name the stream, and no other takes", () => {
    expect(partitionFilter(stream, 3)).toBe("put-in-order.ORDER_x_a.3.order.*");
    expect(everyPartition(stream)).toBe(sortedSubjects("ORDER_x_a"));
    expect(subjectBefore("put-in-order.ORDER_x_a.3.order.new")).toBe("order.new");
    expect(claimBefore(partitionFilter(stream, 3))).toBe("order.*");
    expect(orderedStreamConfig("ORDER_x_a", byHeader, { sequence: 5 })).toMatchObject({
      subjects: ["put-in-order.ORDER_x_a.>"],
      metadata: { "nats-handlers.header": "tenant", "nats-handlers.from": "5" },
    });
  });

  it.each(
    [byHeader, { ...byHeader, header: undefined, field: "tenant.id" }].map((one) => [JSON.parse(JSON.stringify(one))]),
  )("is known again by its stream: %j", (made) => {
    const { name, ...config } = orderedStreamConfig("ORDER_x_a", made, { sequence: 5 });
    const info = { created: "2030-01-01T00:00:00Z", config: { name, ...config } } as unknown as StreamInfo;
    expect(orderedStreamOf(info)).toEqual({
      ...{ name, division: made, createdAtMs: Date.parse("2030-01-01T00:00:00Z"), isFed: true, begunWith: 5 },
    });
    const before = { ...info, config: { ...info.config, ...fedNoMore(name) } };
    expect(orderedStreamOf(before)?.isFed).toBe(false);
  });

  it("divides otherwise by another key, or into other parts", () => {
    expect(isSameDivision(byHeader, { ...byHeader })).toBe(true);
    expect(isSameDivision(byHeader, { ...byHeader, header: "customer" })).toBe(false);
    expect(isSameDivision(byHeader, { ...byHeader, partitions: 5 })).toBe(false);
    expect(isSameDivision(byHeader, division("order.*", 0))).toBe(false);
  });

  it("keeps the headers, but hides from the stream those that would tell it what to do", () => {
    const pairs = [
      ["Tenant", "a"],
      ["Nats-Msg-Id", "7"],
      ["nats-rollup", "all"],
    ] as const;
    const copy = headersOfCopy(pairs, "SHOP", 17);
    expect(copy.filter(([name]) => /^nats-/i.test(name))).toEqual([]);
    expect(copiedNumber(new Map(copy) as unknown as { get(name: string): string })).toBe(17);
    expect(headersBefore(copy)).toEqual(pairs);
    const putWith = [...copy, ["Nats-Msg-Id", "put.7.1"], ["Nats-Expected-Stream", "ORDER_shop"]] as const;
    expect(headersBefore(putWith)).toEqual(pairs);
  });
});
