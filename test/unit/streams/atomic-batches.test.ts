import { RetentionPolicy, type StreamConfig } from "@nats-io/jetstream";
import { expect, it } from "vitest";
import { whyNoBatches, whyNotAtomic } from "../../../runtime/streams/atomic-batches.ts";
import { isOutputMark, outputMark, outputMarks } from "../../../runtime/streams/output-stream.ts";
import { covers } from "../../../runtime/streams/subject-cover.ts";

const stream = (more: Partial<StreamConfig>) => ({ name: "BILLS", allow_atomic: true, ...more }) as StreamConfig;

it("batches are there from 2.12 on", () => {
  expect([whyNoBatches("2.12.0"), whyNoBatches("2.15.1"), whyNoBatches("3.0.0")]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
  expect(whyNoBatches("2.11.9")).toBe("this is nats-server 2.11.9, and it takes 2.12");
  expect(whyNoBatches(undefined)).toContain("of an unknown version");
});

it("a stream is told what keeps it from storing a batch as one, or its mark for good", () => {
  expect(whyNotAtomic(stream({}))).toBeUndefined();
  expect(whyNotAtomic(stream({ retention: RetentionPolicy.Workqueue }))).toBeUndefined();
  expect(whyNotAtomic(stream({ allow_atomic: undefined as never }))).toContain("`allow_atomic`");
  expect(whyNotAtomic(stream({ no_ack: true }))).toContain("no_ack");
  expect(whyNotAtomic(stream({ retention: RetentionPolicy.Interest }))).toContain("forget");
  expect(whyNotAtomic(stream({ subject_transform: { src: "a", dest: "b" } }))).toContain("subject_transform");
});

it("a mark is a subject of its own for each message, app and handler, and no handler of a folder has another's (A1)", () => {
  const mark = outputMark("shop", "orders/bill.v2", "ORDERS:17:1795456942614");
  expect(mark).toBe("outputs.shop.orders.bill=v2.ORDERS:17:1795456942614");
  expect(covers(outputMarks("shop", "orders/bill.v2"), mark)).toBe(true);
  expect(covers(outputMarks("shop", "orders"), mark)).toBe(false);
  expect([isOutputMark(mark), isOutputMark("outputs.shop.made"), isOutputMark("bills.made")]).toEqual([
    true,
    false,
    false,
  ]);
});
