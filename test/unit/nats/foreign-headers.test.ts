import { MsgHdrsImpl } from "@nats-io/nats-core/internal";
import { describe, expect, it } from "vitest";
import { headersAsRead, readForeignHeaders } from "../../../runtime/nats/foreign-headers.ts";

const before = (MsgHdrsImpl as unknown as { decode: unknown }).decode;
const FOREIGN = [
  ["name with spaces", "a"],
  ["näme", "ü"],
  ["X-Lines", "one\ntwo"],
  ["X-Lines", "three"],
  ["", "nameless"],
  ["__proto__", "b"],
] as const;

const decode = (text: string) => MsgHdrsImpl.decode(Buffer.from(text));
const pairsOf = (headers: Iterable<[string, string[]]>) =>
  [...headers].flatMap(([name, values]) => values.map((value) => [name, value] as const));

it("the client is built as expected, and is taught once (H3)", () => {
  expect(readForeignHeaders()).toBe(true);
  const { decode } = MsgHdrsImpl;
  expect(decode).not.toBe(before);
  expect(readForeignHeaders()).toBe(true);
  expect(MsgHdrsImpl.decode).toBe(decode);
});

describe("a block that the client refuses (H1)", () => {
  readForeignHeaders();

  it("is read all the same, each header as it came", () => {
    const lines = FOREIGN.map(([name, value]) => `${name}: ${value} \r\n`).join("");
    expect(pairsOf(decode(`NATS/1.0\r\n${lines}\r\n`))).toEqual(FOREIGN);
  });

  it("keeps its status", () => {
    const { code, description } = decode("NATS/1.0 408 Request Timeout\r\nname with spaces: a\r\n\r\n");
    expect([code, description]).toEqual([408, "Request Timeout"]);
  });

  it("is read without what is no header", () => {
    expect(pairsOf(decode("what: is this\r\nno colon\r\na b:c"))).toEqual([["a b", "c"]]);
  });
});

it.each([
  "",
  "NATS/1.0",
  "NATS/1.0\r\n\r\n",
  "NATS/1.0 503\r\n\r\n",
  "NATS/1.0 404 No Messages\r\nX-A:1\r\nX-A: 2 \r\nx-a: 3\r\n\r\n",
  "nonsense\r\nno colon\r\n: nameless\r\nX-A: ü\r\n",
])("what the client reads by itself is read by it: %j", (block) => {
  const alone = (before as typeof MsgHdrsImpl.decode).call(MsgHdrsImpl, Buffer.from(block));
  expect(decode(block)).toEqual(alone);
});

describe("headers are written as they were read (H2)", () => {
  it("also those that the client does not write", () => {
    const headers = headersAsRead(FOREIGN);
    headers.set("Nats-Msg-Id", "1");
    const block = (headers as MsgHdrsImpl).encode();
    expect(pairsOf(MsgHdrsImpl.decode(block))).toEqual([...FOREIGN, ["Nats-Msg-Id", "1"]]);
  });

  it("but none that would be two", () => {
    for (const pair of [
      ["X-A", "1\r\nNats-Rollup: all"],
      ["X-A: 1\r\nX-B", "2"],
    ] as const)
      expect(() => headersAsRead([pair])).toThrow(/header/);
  });
});
