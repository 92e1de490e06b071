import { MsgHdrsImpl, MsgImpl } from "@nats-io/nats-core/internal";
import type { Msg } from "@nats-io/transport-node";
import { describe, expect, it } from "vitest";
import { rawBlockOf, valueIn } from "../../../runtime/nats/raw-block.ts";

/** As the client makes it of what it has read, in the middle of other bytes. */
function messageOf(block: string | undefined, payload = "payload"): Msg {
  const head = Buffer.from(block ?? "");
  const bytes = Buffer.concat([Buffer.from("before"), head, Buffer.from(`${payload}after`)]);
  const hdr = block === undefined ? -1 : head.length;
  const size = head.length + payload.length;
  const parsed = { subject: Buffer.from("s"), reply: undefined, sid: 1, hdr, size };
  const data = new Uint8Array(bytes.buffer, bytes.byteOffset + "before".length, size);
  type Parsed = ConstructorParameters<typeof MsgImpl>[0];
  type Publisher = ConstructorParameters<typeof MsgImpl>[2];
  return new MsgImpl(parsed as unknown as Parsed, data, {} as Publisher) as Msg;
}

describe("the block of a message", () => {
  it("is the bytes that came, and no others: the client is built as expected (W1)", () => {
    const block = "NATS/1.0\r\nname with spaces: a\r\nX-A:1\r\n\r\n";
    expect(rawBlockOf(messageOf(block))?.toString()).toBe(block);
    expect(rawBlockOf(messageOf("NATS/1.0\r\n\r\n", ""))?.toString()).toBe("NATS/1.0\r\n\r\n");
  });

  it.each([
    undefined,
    "",
    "NATS/1.0",
    "NATS/1.0\r\n",
    "NATS/1.0 503\r\n\r\n",
    "NATS/1.0\r\nX-A: 1",
    "NATS/1.0\r\nX-A: 1\r\n",
    "HTTP/1.1\r\nX-A: 1\r\n\r\n",
  ])("is not given as it is where nothing could be added to it, or it says more: %j", (block) => {
    expect(rawBlockOf(messageOf(block))).toBeUndefined();
  });

  it("is not to be had of what is no message of the client's", () => {
    for (const other of [{}, { headers: undefined }, { _msg: { hdr: 40 } }, { _msg: {}, _rdata: Buffer.from("x") }])
      expect(rawBlockOf(other)).toBeUndefined();
  });
});

describe("a value in it", () => {
  const text = "NATS/1.0\r\nX-AB: 1\r\nx-a: 2\r\nX-A:  ü \r\nX-A: 4\r\nX-C: X-D: 5\r\n\r\n";

  it.each(["X-A", "X-AB", "x-a", "X-C", "X-D", "X", "NATS/1.0", "1"])(
    "of the name %s is what the client finds",
    (name) => {
      expect(valueIn(Buffer.from(text), name) ?? "").toBe(MsgHdrsImpl.decode(Buffer.from(text)).get(name));
    },
  );
});
