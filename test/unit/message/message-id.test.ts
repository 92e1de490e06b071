import { expect, it } from "vitest";
import { callIdOf, letterIdOf, messageIdOf, publishIdOf } from "../../../runtime/message/message-id.ts";

const message = { stream: "ORDERS:", seq: 7, storedAtMs: 1_795_456_942_614 };
type Made = typeof message & { app: string; handler: string; count: number; subject: string };
const made: Made = { ...message, app: "billing", handler: "on-order", count: 1, subject: "billing.started" };

function idsOf({ stream, seq, storedAtMs, app, handler, count, subject }: Made): readonly [string, string] {
  const id = messageIdOf(stream, seq, storedAtMs);
  return [publishIdOf(app, callIdOf(handler, id, count, subject)), letterIdOf(app, handler, id)];
}

it("the id of a message of a stream has its number and when it was stored; another's needs neither", () => {
  expect(messageIdOf("ORDERS:", 7, 1_795_456_942_614)).toBe("ORDERS:7:1795456942614");
  expect(messageIdOf("1f2e3d4c.audit.", 7, undefined)).toBe("1f2e3d4c.audit.7");
});

it.each([
  { app: "shipping" },
  { handler: "on-order2" },
  { stream: "ORDERS2:" },
  { seq: 8 },
  { storedAtMs: 1_795_456_942_615 },
])("what is published or kept of another %o has another id", (other) => {
  const [publish, letter] = idsOf({ ...made, ...other });
  expect([publish, letter]).not.toContain(idsOf(made)[0]);
  expect(letter).not.toBe(idsOf(made)[1]);
});

it.each([{ count: 2 }, { subject: "billing.ended" }])("another call %o has another id", (other) => {
  expect(idsOf({ ...made, ...other })[0]).not.toBe(idsOf(made)[0]);
});
