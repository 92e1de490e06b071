import { expect, it } from "vitest";
import { PutOffMessages } from "../../../runtime/testing/put-off-messages.ts";
import { fakeClock } from "../../support/fake-clock.ts";

const HOUR_MS = 3_600_000;
const putOffFor = (ms: number) => `-NAK {"delay": ${ms * 1_000_000}}`;
const replyOf = (sequence: number, deliveries = 1) => `$JS.ACK.ORDERS.bill.${deliveries}.${sequence}.7.1000000000.0`;

function heard() {
  const machine = fakeClock();
  const sent: string[] = [];
  const time = { movedMs: 0 };
  const messages = new PutOffMessages({
    client: { publish: (subject, word) => void sent.push(`${subject} ${word}`) },
    machine,
    nowMs: () => machine.nowMs() + time.movedMs,
  });
  return { machine, sent, time, messages };
}

it("what is put off comes when the clock was moved to it, once", () => {
  const { machine, sent, time, messages } = heard();
  messages.hear(replyOf(1), putOffFor(HOUR_MS));
  messages.hear(replyOf(2), putOffFor(2 * HOUR_MS));
  expect(messages.nextMs).toBe(machine.nowMs() + HOUR_MS);
  expect([messages.countOf("ORDERS", "bill"), messages.countOf("ORDERS", "pack")]).toEqual([2, 0]);
  messages.release();
  expect(sent).toEqual([]);
  time.movedMs = HOUR_MS;
  messages.release();
  messages.release();
  expect(sent).toEqual([`${replyOf(1)} -NAK`]);
  expect(messages.countOf("ORDERS", "bill")).toBe(1);
});

it("what was put off again goes by its last word", () => {
  const { sent, time, messages } = heard();
  messages.hear(replyOf(1), putOffFor(HOUR_MS));
  messages.hear(replyOf(1, 2), putOffFor(2 * HOUR_MS));
  time.movedMs = HOUR_MS;
  messages.release();
  time.movedMs = 2 * HOUR_MS;
  messages.release();
  expect(sent).toEqual([`${replyOf(1, 2)} -NAK`]);
});

it.each(["+ACK", "+TERM", "-NAK"])("what was settled by %s is put off no more", (word) => {
  const { messages } = heard();
  messages.hear(replyOf(1), putOffFor(HOUR_MS));
  messages.hear(replyOf(1), "+WPI");
  expect(messages.countOf("ORDERS", "bill")).toBe(1);
  messages.hear(replyOf(1), word);
  expect(messages.countOf("ORDERS", "bill")).toBe(0);
});

it("what comes by itself in a moment is left to come", () => {
  const { machine, sent, time, messages } = heard();
  messages.hear(replyOf(1), putOffFor(HOUR_MS));
  machine.advance(HOUR_MS - 500);
  time.movedMs = HOUR_MS;
  messages.release();
  expect([sent, messages.nextMs, messages.countOf("ORDERS", "bill")]).toEqual([[], undefined, 0]);
});
