import { expect, test } from "vitest";
import { decodeHeaders, encodeHeaders, headerProblem, withHeader } from "../../../runtime/message/header-block.ts";
import {
  channelOpening,
  FrameReader,
  FrameType,
  FrameWriter,
  MAX_FRAME_BYTES,
} from "../../../runtime/wire/protocol.ts";

function framesOf(chunks: readonly Buffer[]): { type: number; body: string }[] {
  const frames: { type: number; body: string }[] = [];
  const reader = new FrameReader((type, bytes, start, end) =>
    frames.push({ type, body: bytes.toString("utf8", start, end) }),
  );
  for (const chunk of chunks) {
    const lent = Buffer.from(chunk);
    reader.push(lent);
    lent.fill("?"); // The reader keeps nothing of it.
  }
  return frames;
}

function batchOf(...bodies: string[]): Buffer {
  const writer = new FrameWriter(64);
  for (const body of bodies) {
    writer.begin(FrameType.reply);
    writer.text(body);
    writer.end();
  }
  return taken(writer)!;
}

/** The batch, which stays the caller's. */
function taken(writer: FrameWriter): Buffer | undefined {
  let batch: Buffer | undefined;
  writer.flush((bytes) => {
    batch = bytes;
    return false;
  });
  return batch;
}

test("a value that does not serialise leaves no half frame behind", () => {
  const writer = new FrameWriter(64);
  writer.json(FrameType.log, { n: 1 });
  expect(() => writer.json(FrameType.log, { n: 2n })).toThrow("BigInt");
  writer.json(FrameType.log, { n: 3 });
  expect(framesOf([taken(writer)!]).map(({ body }) => body)).toEqual(['{"n":1}', '{"n":3}']);
});

test("frames come out as they went in, wherever the stream is cut", () => {
  const bodies = ["", "a", "grüße ✓", "x".repeat(1_000)];
  const batch = batchOf(...bodies);
  for (const size of [1, 2, 3, 5, 7, 64, 1_000, batch.length]) {
    const chunks = Array.from({ length: Math.ceil(batch.length / size) }, (_, at) =>
      batch.subarray(at * size, (at + 1) * size),
    );
    expect(framesOf(chunks).map(({ body }) => body)).toEqual(bodies);
  }
});

test("a batch kept is not changed by what is written after it; one given back makes room for the next", () => {
  const writer = new FrameWriter(64);
  writer.begin(1);
  writer.text("first");
  writer.end();
  const first = taken(writer)!;
  const kept = first.toString("hex");
  for (let at = 0; at < 50; at++) {
    writer.begin(2);
    writer.text("later ".repeat(at));
    writer.end();
  }
  expect(first.toString("hex")).toBe(kept);
  expect(framesOf([taken(writer)!])).toHaveLength(50);
  expect(taken(writer)).toBeUndefined();
  const places = new Set<number>();
  for (let at = 0; at < 50; at++) {
    writer.json(2, "again");
    writer.flush(({ byteOffset }) => places.add(byteOffset) !== undefined);
  }
  expect(places.size).toBe(1);
});

test("each batch of a channel begins by saying whose it is, kept or given back, and an empty one is none (P5)", () => {
  const writer = new FrameWriter(64, channelOpening(513));
  const batches: Buffer[] = [];
  const flush = (isDone: boolean) => writer.flush((batch) => batches.push(Buffer.from(batch)) > 0 && isDone);
  flush(true);
  for (const [body, isDone] of [
    ["a", true],
    ["b".repeat(100), false],
    ["c", false],
    ["d", true],
  ] as const) {
    expect(writer.pendingBytes).toBe(0);
    writer.begin(FrameType.reply);
    writer.text(body);
    writer.end();
    expect(writer.pendingBytes).toBe(5 + body.length);
    flush(isDone);
  }
  const channel = { type: FrameType.channel, body: "\u0002\u0001" };
  expect(framesOf(batches)).toEqual(
    ["a", "b".repeat(100), "c", "d"].flatMap((body) => [channel, { type: FrameType.reply, body }]),
  );
});

test("a length beyond the limit breaks the connection instead of filling the memory", () => {
  const evil = Buffer.alloc(8);
  evil.writeUInt32BE(MAX_FRAME_BYTES + 1, 0);
  expect(() => framesOf([evil])).toThrow(RangeError);
  expect(() => framesOf([Buffer.alloc(8)])).toThrow(RangeError);
});

test("headers keep their case, their order and their repetitions", () => {
  const pairs = [
    ["X-Order", "17"],
    ["x-tag", "a:b"],
    ["x-tag", "c"],
  ] as const;
  expect(decodeHeaders(encodeHeaders(pairs))).toEqual(pairs);
});

test("a block gets one header more, whether it had any or none", () => {
  const more = withHeader(encodeHeaders([["A", "1"]]), "Nats-Msg-Id", "grün");
  expect(more.toString()).toBe("NATS/1.0\r\nA: 1\r\nNats-Msg-Id: grün\r\n\r\n");
  const first = encodeHeaders([["B", "2"]]);
  expect([withHeader(new Uint8Array(0), "B", "2"), withHeader(encodeHeaders([]), "B", "2")]).toEqual([first, first]);
});

test.each([
  ["a b", "v", /name/],
  ["a:b", "v", /name/],
  ["ok", "line\nbreak", /line breaks/],
  ["Nats-Msg-Id", "1", /server/],
])("header %j: %j is refused", (name, value, reason) => {
  expect(headerProblem(name, value)).toMatch(reason);
});
