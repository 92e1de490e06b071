// Packets of Nest as its own client and server read them: those of @nestjs/microservices, not ours.

import { IncomingRequestDeserializer, IncomingResponseDeserializer } from "@nestjs/microservices";
import { expect, it } from "vitest";
import {
  callPacket,
  errorPacket,
  lastPacket,
  openPacket,
  readReply,
  replyPacket,
  valuePacket,
} from "../../../runtime/message/nest-packet.ts";

const overTheWire = (packet: object) => JSON.parse(JSON.stringify(packet)) as unknown;
const asNestReads = (packet: object) => new IncomingResponseDeserializer().deserialize(overTheWire(packet));

it("replies are taken for what they are by Nest's client, whatever is in them", () => {
  for (const value of [4, null, [], { err: "a", response: 1, more: true }]) {
    expect(asNestReads(replyPacket("a1", value))).toEqual({ response: value, isDisposed: true, id: "a1" });
    expect(asNestReads(valuePacket("a1", value))).toEqual({ response: value, id: "a1" });
    expect(readReply(overTheWire(replyPacket("a1", value)))).toEqual({ kind: "response", value });
  }
  expect(asNestReads(lastPacket("a1"))).toEqual({ isDisposed: true, id: "a1" });
  expect(readReply(lastPacket("a1"))).toEqual({ kind: "response", value: undefined });
});

it("an error is one for Nest's client, with or without something thrown for it", () => {
  expect(asNestReads(JSON.parse(errorPacket(undefined, 504, "late")))).toEqual({
    err: { status: "error", code: 504, message: "late" },
    isDisposed: true,
  });
  expect(asNestReads(JSON.parse(errorPacket('"no"', 500, "no")))).toEqual({ err: "no", isDisposed: true });
});

it("what Nest's server takes for a packet is opened, and nothing else", () => {
  const foreign = [undefined, null, 5, "a", [], {}, { id: "a1" }, { more: 1 }];
  const packets = [callPacket("sum", [1], "a1"), callPacket("sum", undefined), { data: 0 }, { pattern: null }];
  for (const value of foreign) {
    expect(openPacket(value)).toBeUndefined();
    expect(new IncomingRequestDeserializer().deserialize(value)).not.toBe(value);
  }
  for (const value of packets) {
    expect(openPacket(value)).toBeDefined();
    expect(new IncomingRequestDeserializer().deserialize(value)).toBe(value);
  }
});

it.each([
  [
    { err: "no", isDisposed: true },
    { kind: "error", err: "no" },
  ],
  [
    { err: null, response: 4, isDisposed: true },
    { kind: "response", value: 4 },
  ],
  [{ left: 4 }, { kind: "foreign" }],
  [4, { kind: "foreign" }],
])("the reply %j is read as Nest's client reads it", (reply, read) => {
  expect(readReply(reply)).toEqual(read);
});
