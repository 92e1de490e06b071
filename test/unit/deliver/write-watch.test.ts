import { beforeEach, expect, it } from "vitest";
import { WriteWatch } from "../../../runtime/deliver/write-watch.ts";
import type { CallAnswer, HandlerCall } from "../../../runtime/message/handler-call.ts";
import { type FakeClock, fakeClock } from "../../support/fake-clock.ts";

const OK: CallAnswer = { ok: true, body: new Uint8Array(0) };
const FULL: CallAnswer = { ok: false, code: 507, message: "its stream did not take it: no space left on device" };

let clock: FakeClock;
let held: string[];
let watch: WriteWatch;

beforeEach(() => {
  clock = fakeClock();
  held = [];
  const board = {
    begin: ({ text }: { text: string }) => void held.splice(0, 1, text),
    end: () => void held.splice(0),
  };
  watch = new WriteWatch(board, clock);
});

function publish(answer: Promise<CallAnswer>, subject = "out.x"): Promise<CallAnswer> | CallAnswer {
  const nothing = new Uint8Array(0);
  const call: HandlerCall = {
    kind: "publish",
    handler: "h",
    again: false,
    subject,
    messageId: "1",
    headers: nothing,
    payload: nothing,
    timeoutMs: 1,
    gone: new AbortController().signal,
  };
  return watch.around(() => answer)(call);
}

it("a publish that its stream refuses is a hold with the server's words, until one is stored", async () => {
  expect(await publish(Promise.resolve(FULL))).toBe(FULL);
  expect(held).toEqual([FULL.ok ? "" : FULL.message]);
  await publish(Promise.resolve(OK), "elsewhere");
  expect(held).toHaveLength(1);
  await publish(Promise.resolve(OK));
  expect(held).toEqual([]);
});

it("a publish that waits for long to be stored is a hold", async () => {
  const answer = Promise.withResolvers<CallAnswer>();
  const done = publish(answer.promise);
  clock.advance(5_000);
  expect(held).toEqual([]);
  clock.advance(2_000);
  expect(held[0]).toContain("the server takes no writes");
  answer.resolve(OK);
  await done;
  expect(held).toEqual([]);
});

it("a hold lapses when nobody tries any more, and no timer is left", async () => {
  await publish(Promise.resolve(FULL));
  clock.advance(7_000);
  expect(held).toHaveLength(1);
  clock.advance(2_000);
  expect([held.length, clock.pending]).toEqual([0, 0]);
});

it("other refusals are the message's own", async () => {
  await publish(Promise.resolve({ ok: false, code: 413, message: "too large for the server" }));
  await publish(Promise.resolve({ ok: false, code: 507, message: "too large for the stream", streamCode: 10054 }));
  expect(held).toEqual([]);
});
