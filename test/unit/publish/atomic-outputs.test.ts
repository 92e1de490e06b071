// What one run has published, on its way into its stream.

import { beforeEach, expect, it } from "vitest";
import { RuntimeError } from "../../../runtime/errors.ts";
import { type HandlerCall, NEVER_GONE } from "../../../runtime/message/handler-call.ts";
import { decodeHeaders, encodeHeaders } from "../../../runtime/message/header-block.ts";
import { callIdOf } from "../../../runtime/message/message-id.ts";
import type { RateLimitedNotices } from "../../../runtime/nats/rate-limited-notices.ts";
import type { Request } from "../../../runtime/nats/reply-inbox.ts";
import { AtomicOutputs } from "../../../runtime/publish/atomic-outputs.ts";
import type { OutputStream } from "../../../runtime/streams/output-stream.ts";
import { type FakeClock, fakeClock } from "../../support/fake-clock.ts";

const STORED = { stream: "BILLS", seq: 3 };
const refusal = (err_code: number) => ({ error: { code: 400, err_code, description: "no" } });

let clock: FakeClock;
let stream: OutputStream | RuntimeError;
let answers: (object | undefined)[];
let version: string;
let told: string[];
/** Of each message: its subject and headers. */
let sent: (readonly [string, Readonly<Record<string, string>>])[];
let outputs: AtomicOutputs;

const headersOf = (headers: unknown) =>
  Object.fromEntries(decodeHeaders((headers as { encode(): Buffer }).encode() as Buffer));

beforeEach(() => {
  [clock, answers, version, told, sent] = [fakeClock(), [STORED], "2.15.1", [], []];
  stream = { name: "BILLS", subjects: ["bills.>", "outputs.shop.>"], allowsTtl: false };
  outputs = new AtomicOutputs({
    connection: {
      get info() {
        return { version, max_payload: 10_000 };
      },
      publish: (subject: string, _payload: unknown, { headers }: { headers: unknown }) =>
        void sent.push([subject, headersOf(headers)]),
    } as never,
    ...{ app: "shop", clock, notices: { tell: (_key, _level, text) => void told.push(text) } as RateLimitedNotices },
    state: { isUp: true, up: async () => true },
    async outputStream() {
      if (stream instanceof RuntimeError) throw stream;
      return stream;
    },
    streams: { find: async (subject) => (subject.startsWith("mails") ? ({ name: "MAILS" } as never) : undefined) },
    replies: {
      async request({ subject, headers }: Request) {
        sent.push([subject, headersOf(headers)]);
        const answer = answers.shift();
        return answer && ({ json: () => answer } as never);
      },
    },
  });
});

function call(subject: string, count: number, more: Partial<HandlerCall> = {}): HandlerCall {
  const messageId = callIdOf("a/bill", "ORDERS:7:99", count, subject);
  const headers = encodeHeaders([["Own", "1"]]);
  const about = { kind: "publish", handler: "a/bill", subject, messageId, again: false, headers } as const;
  return { ...about, payload: new Uint8Array(1), timeoutMs: 30_000, gone: NEVER_GONE, ...more };
}

const RUN = [call("bills.made", 1), call("bills.mailed", 2)];
/** Of the mark alone. */
const marks = () => sent.filter(([subject]) => subject.startsWith("outputs."));

/** As `store`, with the time between tries passed. */
async function stored(calls: readonly HandlerCall[] = RUN) {
  let answer: unknown;
  void outputs.store(calls).then((given) => {
    answer = given;
  });
  while (answer === undefined) {
    await new Promise((resolve) => setImmediate(resolve));
    clock.advance(1_000);
  }
  return answer;
}

it("they leave in their order, and the mark that must be the first of its subject is what commits them", async () => {
  expect(await stored()).toMatchObject({ ok: true });
  const id = sent[0]![1]["Nats-Batch-Id"];
  expect(sent).toEqual([
    ["bills.made", { Own: "1", "Nats-Batch-Id": id, "Nats-Batch-Sequence": "1" }],
    ["bills.mailed", { Own: "1", "Nats-Batch-Id": id, "Nats-Batch-Sequence": "2" }],
    [
      "outputs.shop.a.bill.ORDERS:7:99",
      {
        "Nats-Expected-Last-Subject-Sequence": "0",
        "Nats-Batch-Id": id,
        "Nats-Batch-Sequence": "3",
        "Nats-Batch-Commit": "1",
      },
    ],
  ]);
});

it("a mark that is there says that they are stored: of a run that had no forerunner it is told (S1)", async () => {
  answers = [refusal(10071), refusal(10071)];
  expect(await stored(RUN.map((one) => ({ ...one, again: true })))).toMatchObject({ ok: true });
  expect(told).toEqual([]);
  expect(await stored()).toMatchObject({ ok: true });
  expect(told).toHaveLength(1);
});

it("what is not confirmed, or not whole, is sent again under another id, and its mark says whether it was stored (S2)", async () => {
  answers = [undefined, refusal(10176), refusal(10071)];
  expect(await stored()).toMatchObject({ ok: true });
  expect(new Set(marks().map(([, headers]) => headers["Nats-Batch-Id"])).size).toBe(3);
  expect(told).toEqual([]);
});

it("what is never confirmed, or refused, is the failure of all of them", async () => {
  answers = [undefined, undefined, undefined, refusal(10174)];
  expect(await stored()).toMatchObject({ ok: false, code: 504 });
  expect(marks()).toHaveLength(3);
  expect(await stored()).toMatchObject({ ok: false, code: 409, streamCode: 10174 });
});

it("nothing is sent to a server that is older than the one before, nor without a stream (S3)", async () => {
  version = "2.11.9";
  expect(await stored()).toMatchObject({ ok: false, message: expect.stringContaining("it takes 2.12") });
  stream = new RuntimeError("STREAM_REFUSED", "no batches there");
  expect(await outputs.store([call("bills.made", 1, { handler: "a/other" })])).toEqual({
    ok: false,
    code: 507,
    message: "no batches there",
  });
  expect(sent).toEqual([]);
});

it("one that is not for the stream is the end of all, by its name (S4)", async () => {
  const strays = ["mails.sent", "nowhere"].map((subject) => stored([...RUN, call(subject, 3)]));
  expect(await Promise.all(strays)).toMatchObject([
    { code: 400, message: expect.stringContaining('publish to "mails.sent": stream "MAILS" takes it') },
    { code: 400, message: expect.stringContaining('publish to "nowhere": no stream takes it') },
  ]);
  expect(await stored([call("bills.large", 1, { payload: new Uint8Array(10_000) })])).toMatchObject({ code: 413 });
  const brief = call("bills.brief", 1, { headers: encodeHeaders([["Nats-TTL", "60s"]]) });
  expect(await stored([brief])).toMatchObject({ code: 400, message: expect.stringContaining("allow_msg_ttl") });
  expect(sent).toEqual([]);
});

it("where messages may say how long they stay, a mark stays for 40 days (S6)", async () => {
  stream = { name: "BILLS", subjects: [">"], allowsTtl: true };
  await stored();
  expect(marks()[0]?.[1]).toMatchObject({ "Nats-TTL": "3456000s" });
});
