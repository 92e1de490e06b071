import { expect, it } from "vitest";
import { type ConsumerReading, standstillOf } from "../../../runtime/bind/standstill.ts";
import { WaitingRetries } from "../../../runtime/bind/waiting-retries.ts";

const waiting: ConsumerReading = {
  stream: "S",
  durable: "app-save",
  atMs: 0,
  pausedUntilMs: undefined,
  pending: 3,
  ackPending: 0,
  maxAckPending: 100,
  oneAtATime: false,
  delivered: 7,
  nextRetryAtMs: undefined,
};

const later = (reading: ConsumerReading): ConsumerReading => ({ ...reading, atMs: reading.atMs + 3_000 });

it("nothing holds a consumer without messages, one seen once, or one that has not stood still for long", () => {
  expect(standstillOf(waiting, later({ ...waiting, pending: 0 }))).toBeUndefined();
  expect(standstillOf(undefined, waiting)).toBeUndefined();
  expect(standstillOf(waiting, { ...waiting, atMs: 2_999 })).toBeUndefined();
});

it("a pause is seen at once, with its end", () => {
  const hold = standstillOf(undefined, { ...waiting, pausedUntilMs: Date.UTC(2030, 0, 1) });
  expect(hold).toMatchObject({ reason: "paused" });
  expect(hold?.text).toContain("paused by an operator until 2030-01-01T00:00:00Z");
});

it("retries of this replica that use up what may be unacknowledged are named, with the next one's time", () => {
  const full = { ...waiting, ackPending: 100, nextRetryAtMs: Date.UTC(2030, 0, 1) };
  const hold = standstillOf(full, later(full));
  expect(hold).toMatchObject({ reason: "retries-waiting" });
  expect(hold?.text).toMatch(/^100 of 100 acknowledgements .* the next is due at 2030-01-01T00:00:00Z$/);
  const others = { ...full, nextRetryAtMs: undefined };
  expect(standstillOf(others, later(others))).toMatchObject({ reason: "ack-limit" });
});

it("one message in hand is no standstill of a handler that wants no more; none in hand is", () => {
  const one = { ...waiting, oneAtATime: true, maxAckPending: 1, ackPending: 1, nextRetryAtMs: Date.UTC(2030, 0, 1) };
  expect(standstillOf(one, later(one))).toBeUndefined();
  const none = { ...one, ackPending: 0 };
  expect(standstillOf(none, later(none))).toMatchObject({ reason: "stalled" });
});

it("whatever else stops it is seen as stalled", () => {
  expect(standstillOf(waiting, later(waiting))).toMatchObject({ reason: "stalled" });
});

it("retries are due in their order, and short ones are not kept", () => {
  const retries = new WaitingRetries();
  retries.add(100, 0);
  expect(retries.nextAtMs(0)).toBeUndefined();
  retries.add(60_000, 0);
  retries.add(10_000, 0);
  expect([retries.nextAtMs(0), retries.nextAtMs(10_000), retries.nextAtMs(60_000)]).toEqual([
    10_000,
    60_000,
    undefined,
  ]);
});
