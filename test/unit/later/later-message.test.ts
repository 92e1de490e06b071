// What a message carries while it waits, and what it leaves with.
import { expect, it } from "vitest";
import { BY_HAND, laterHeaders, readLater } from "../../../runtime/later/later-message.ts";
import { decodeHeaders, encodeHeaders } from "../../../runtime/message/header-block.ts";

const MESSAGE = {
  target: "orders.remind",
  dueMs: 1_800_000_000_123,
  id: "orders/pay:ORDERS:1:2:1:orders.remind",
  by: "orders/pay",
  stream: "ORDERS",
  headers: encodeHeaders([
    ["traceparent", "00-1-2-01"],
    ["X-Correlation", "a"],
    ["X-Correlation", "b"],
  ]),
};

it("it leaves with the headers it was published with, of which none is ours or the server's", () => {
  const waiting = [...laterHeaders(MESSAGE), ["Nats-Msg-Id", "x"], ["Dead-Letter-Redriven", "1"]] as const;
  const read = readLater(waiting)!;
  expect(decodeHeaders(Buffer.from(read.headers))).toEqual([
    ["traceparent", "00-1-2-01"],
    ["X-Correlation", "a"],
    ["X-Correlation", "b"],
  ]);
  expect(read).toMatchObject({ ...MESSAGE, headers: expect.anything() });
});

it("headers of an author that look like ours do not take their place", () => {
  const headers = encodeHeaders([["Handlers-Later-Target", "elsewhere"]]);
  expect(readLater(laterHeaders({ ...MESSAGE, headers }))).toMatchObject({ target: "orders.remind" });
});

it("what nobody of ours has stored is none, and what no handler has published says so", () => {
  expect(readLater([["X", "y"]])).toBeUndefined();
  expect(
    readLater([
      ["Handlers-Later-Target", "a"],
      ["Handlers-Later-Id", "b"],
      ["Handlers-Later-Due", "c"],
    ]),
  ).toBeUndefined();
  const byHand = laterHeaders({ ...MESSAGE, stream: undefined }).filter(([name]) => name !== "Handlers-Later-By");
  expect(readLater(byHand)).toMatchObject({ by: BY_HAND, stream: undefined });
});
