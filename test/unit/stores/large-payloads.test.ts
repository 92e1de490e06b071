import { expect, test } from "vitest";
import { type HandlerCall, NEVER_GONE } from "../../../runtime/message/handler-call.ts";
import { decodeHeaders, encodeHeaders } from "../../../runtime/message/header-block.ts";
import { largeHeaderIn, readLargeHeader } from "../../../runtime/message/large-content.ts";
import type { StoreAnswer, StoreCall } from "../../../runtime/message/store-call.ts";
import { withLargePayloads } from "../../../runtime/stores/large-payloads.ts";

const CALL: HandlerCall = {
  kind: "publish",
  handler: "scan",
  subject: "scans.new",
  messageId: "m1",
  again: false,
  headers: encodeHeaders([["X-A", "1"]]),
  payload: new Uint8Array(100).fill(7),
  timeoutMs: 1_000,
  gone: NEVER_GONE,
};

function stage(limit: number | undefined, answer: StoreAnswer = { ok: true, result: {} }) {
  const kept: StoreCall[] = [];
  const sent: HandlerCall[] = [];
  const connection = { info: limit === undefined ? undefined : { max_payload: limit } } as never;
  const call = withLargePayloads({
    connection,
    bucket: "LARGE_shop",
    store: async (made) => {
      kept.push(made);
      return answer;
    },
    send: (made) => {
      sent.push(made);
      return { ok: true, body: new Uint8Array(0) };
    },
  });
  return { call, kept, sent };
}

test("what is too large is kept first, and an empty message with its name is sent under the same id", async () => {
  const { call, kept, sent } = stage(100);
  expect(await call(CALL)).toEqual({ ok: true, body: new Uint8Array(0) });
  expect(kept).toEqual([
    expect.objectContaining({ store: "objects", operation: "put", bucket: "LARGE_shop", handler: "scan" }),
  ]);
  expect(Buffer.from(kept[0]!.value)).toEqual(Buffer.alloc(100, 7));
  expect(sent).toEqual([
    expect.objectContaining({ subject: "scans.new", messageId: "m1", payload: new Uint8Array(0) }),
  ]);
  const headers = Buffer.from(sent[0]!.headers);
  expect(decodeHeaders(headers)).toEqual([
    ["X-A", "1"],
    ["Handlers-Large", `LARGE_shop/${kept[0]!.key}`],
  ]);
  expect(readLargeHeader(largeHeaderIn(headers)!)).toEqual({ bucket: "LARGE_shop", name: kept[0]!.key });
});

test("each publish has an object of its own, a repeated one too", async () => {
  const { call, kept } = stage(100);
  await call(CALL);
  await call(CALL);
  expect(new Set(kept.map(({ key }) => key)).size).toBe(2);
});

test("what fits, requests, and everything before the limit is known go their way at once", () => {
  for (const [limit, made] of [
    [1_000, CALL],
    [100, { ...CALL, kind: "request" }],
    [undefined, CALL],
  ] as const) {
    const { call, kept, sent } = stage(limit);
    expect(call(made)).toEqual({ ok: true, body: new Uint8Array(0) });
    expect([kept, sent]).toEqual([[], [made]]);
  }
});

test("what cannot be kept is not sent, and its publisher is told why", async () => {
  const { call, sent } = stage(100, { ok: false, code: 507, message: "the bucket is full" });
  expect(await call(CALL)).toEqual({
    ok: false,
    code: 507,
    message: 'publish to "scans.new", of 100 bytes: the bucket is full',
  });
  expect(sent).toEqual([]);
});

test("a header that names any other bucket names none", () => {
  expect(["secrets/a", "LARGE_/a", "LARGE_shop", "LARGE_shop/", "LARGE_a.b/c", ""].map(readLargeHeader)).toEqual(
    Array(6).fill(undefined),
  );
  expect(largeHeaderIn(encodeHeaders([["X-Handlers-Large", "LARGE_a/b"]]))).toBeUndefined();
});
