import { beforeEach, describe, expect, it } from "vitest";
import { MOST_OF_ONE } from "../../../runtime/control/allowance.ts";
import { MessageTap } from "../../../runtime/control/message-tap.ts";
import type { Seen, ToldSeen } from "../../../runtime/control/seen.ts";
import { RuntimeError } from "../../../runtime/errors.ts";
import type { EndedRun } from "../../../runtime/message/delivery-tap.ts";
import { type HandlerCall, NEVER_GONE } from "../../../runtime/message/handler-call.ts";
import { decodeHeaders, encodeHeaders } from "../../../runtime/message/header-block.ts";
import { callIdOf } from "../../../runtime/message/message-id.ts";
import { isFailure, type Outcome, RETURNED } from "../../../runtime/message/outcome.ts";
import { type FakeClock, fakeClock } from "../../support/fake-clock.ts";

const THREW: Outcome = { kind: "threw", error: { name: "Error", message: "no", stack: "Error: no\n at x" } };
const HEADERS = encodeHeaders([["x", "1"]]);

let clock: FakeClock;
let told: ToldSeen[];

beforeEach(() => {
  clock = fakeClock();
  told = [];
});

function tapThat(keeps: boolean): MessageTap {
  return new MessageTap({ app: "shop", clock, keeps });
}

function watch(tap: MessageTap, { payloads = true, to = "inbox", leaseMs = 10_000 } = {}): ToldSeen[] {
  return tap.asked(to, { payloads, past: true, leaseMs }, (seen) => told.push(seen));
}

function run(more: Partial<EndedRun> = {}, data = "{}"): EndedRun {
  const delivery = { subject: "a.b", data: Buffer.from(data), headers: HEADERS, seq: 1, attempt: 1, hops: 0 };
  const how = { tookMs: 3, waitedMs: 1, error: undefined };
  return { handler: "save", version: "v1", id: "S:1", delivery, outcome: RETURNED, ...how, ...more };
}

/** As a route tells it. */
function end(tap: MessageTap, one: EndedRun): void {
  if (tap.takes(one.handler, isFailure(one.outcome))) tap.ended(one);
}

function call(more: Partial<HandlerCall> = {}): HandlerCall {
  const messageId = callIdOf("save", "S:1", 1, "b.c");
  const about = { kind: "publish", handler: "save", subject: "b.c", messageId, again: false } as const;
  return { ...about, headers: HEADERS, payload: Buffer.from("{}"), timeoutMs: 1, gone: NEVER_GONE, ...more };
}

function seen(): Seen[] {
  return told.flatMap((part) => part.seen);
}

describe("the message tap", () => {
  it("is closed until somebody watches, and again when the last lease has run out", () => {
    const tap = tapThat(false);
    expect(tap.isOpen).toBe(false);
    expect(watch(tap)).toEqual([{ seen: [] }]);
    expect(tap.isOpen).toBe(true);
    clock.advance(10_001);
    end(tap, run());
    expect(tap.isOpen).toBe(false);
    clock.advance(1_000);
    expect(told).toEqual([]);
  });

  it("tells in one batch what has ended, to whoever watches", () => {
    const tap = tapThat(false);
    watch(tap);
    end(tap, run());
    const settlement = { do: "retry", delayMs: 900 } as const;
    const error = () => new RuntimeError("HANDLER_THREW", "it threw");
    end(tap, run({ outcome: THREW, settlement, settled: "will be retried in 900 ms", error }));
    clock.advance(50);
    expect(told).toHaveLength(1);
    expect(seen()).toMatchObject([
      { kind: "run", number: 1, handler: "save", id: "S:1", origin: "S:1", outcome: "returned", headers: [["x", "1"]] },
      { outcome: "threw", retryInMs: 900, settled: "will be retried in 900 ms", error: { code: "HANDLER_THREW" } },
    ]);
    expect(Buffer.from((seen()[0] as { payload: { data: string } }).payload.data, "base64").toString()).toBe("{}");
  });

  it("gives no payload to whoever has not asked for it", () => {
    const tap = tapThat(true);
    watch(tap, { payloads: false });
    end(tap, run({ outcome: { kind: "returned", reply: Buffer.from("secret") } }, "secret"));
    tap.call(call({ payload: Buffer.from("secret") }), () => ({ ok: true, body: Buffer.alloc(0) }));
    clock.advance(50);
    expect(seen()).toMatchObject([{ payload: { bytes: 6 }, reply: { bytes: 6 } }, { payload: { bytes: 6 } }]);
    expect(JSON.stringify([told, watch(tap, { payloads: false })])).not.toContain(
      Buffer.from("secret").toString("base64"),
    );
  });

  it("keeps the last in dev, for whoever comes later, and tells nothing twice", () => {
    const tap = tapThat(true);
    expect(tap.isOpen).toBe(true);
    end(tap, run());
    const [past] = watch(tap);
    end(tap, run());
    clock.advance(50);
    expect(past?.seen.map(({ number }) => number)).toEqual([1]);
    expect(seen().map(({ number }) => number)).toEqual([2]);
  });

  it("M1: records so much of one handler in a second, the rest is counted; what fails has room still", () => {
    const tap = tapThat(false);
    watch(tap);
    for (let at = 0; at < 1_000; at++) end(tap, run());
    for (let at = 0; at < 10; at++) end(tap, run({ outcome: THREW }));
    end(tap, run({ handler: "other" }));
    clock.advance(50);
    expect(seen()).toHaveLength(MOST_OF_ONE + 10 + 1);
    expect(told[0]?.missed).toEqual({ save: 1_000 - MOST_OF_ONE });
    clock.advance(1_000);
    end(tap, run());
    clock.advance(50);
    expect(seen()).toHaveLength(MOST_OF_ONE + 10 + 2);
  });

  it("M1: tells twice a second how many were not recorded, where there is nothing else to tell", () => {
    const tap = tapThat(false);
    watch(tap);
    for (let at = 0; at < MOST_OF_ONE; at++) end(tap, run());
    clock.advance(50);
    told = [];
    for (let at = 0; at < 30; at++) {
      end(tap, run());
      clock.advance(20);
    }
    expect(told).toEqual([{ seen: [], missed: { save: 25 } }]);
  });

  it("tells in several parts what is too large for one message", () => {
    const tap = tapThat(false);
    watch(tap);
    for (let at = 0; at < 40; at++) end(tap, run({}, "x".repeat(16_000)));
    clock.advance(50);
    expect(seen()).toHaveLength(40);
    expect(told.length).toBeGreaterThan(5);
    for (const part of told) expect(JSON.stringify(part).length).toBeLessThan(256 * 1024);
  });

  it("leaves the end of a large payload out", () => {
    const tap = tapThat(false);
    watch(tap);
    end(tap, run({}, "x".repeat(100_000)));
    clock.advance(50);
    expect(seen()).toMatchObject([
      { payload: { bytes: 100_000, data: Buffer.from("x".repeat(16_384)).toString("base64") } },
    ]);
  });

  it("M2: has what is published meanwhile say by which call, and tells what became of it", async () => {
    const tap = tapThat(false);
    watch(tap);
    const made: HandlerCall[] = [];
    const answer = await tap.call(call(), async (given) => {
      made.push(given);
      return { ok: false, code: 503, message: "not connected" };
    });
    expect(answer).toMatchObject({ ok: false, code: 503 });
    expect(decodeHeaders(Buffer.from(made[0]!.headers))).toEqual([
      ["x", "1"],
      ["Handlers-Cause", "save:S:1:1:b.c"],
    ]);
    clock.advance(50);
    expect(seen()).toMatchObject([
      { kind: "call", verb: "publish", handler: "save", id: "S:1", origin: "save:S:1:1:b.c", subject: "b.c" },
      { kind: "refusal", origin: "save:S:1:1:b.c", problem: "not connected" },
    ]);
  });

  it("M1: leaves alone what is published beyond that", () => {
    const tap = tapThat(false);
    watch(tap);
    const made = call();
    const given: HandlerCall[] = [];
    const carryOut = (one: HandlerCall) => {
      given.push(one);
      return { ok: true, body: Buffer.alloc(0) } as const;
    };
    for (let at = 0; at <= MOST_OF_ONE; at++) tap.call(made, carryOut);
    clock.advance(50);
    expect(seen()).toHaveLength(MOST_OF_ONE);
    expect([given[0] === made, given.at(-1) === made]).toEqual([false, true]);
  });

  it("M2: leaves a message as it is that is nearly too large", () => {
    const tap = tapThat(true);
    const large = call({ payload: Buffer.alloc(600_000) });
    const made: HandlerCall[] = [];
    tap.call(large, (given) => {
      made.push(given);
      return { ok: true, body: Buffer.alloc(0) };
    });
    expect(made).toEqual([large]);
  });

  it("tells what a handler logged about a message, and no other line", () => {
    const tap = tapThat(false);
    watch(tap);
    const line = { timeMs: 0, level: "info", handler: "save", text: "hello" };
    tap.line({ ...line, fields: { event: "handler.log", messageId: "S:1", attempt: 2, version: "v1", item: 7 } });
    tap.line({ ...line, fields: { event: "handler.output" } });
    tap.line({ ...line, fields: { event: "delivery.failed", messageId: "S:1" } });
    clock.advance(50);
    expect(seen()).toMatchObject([{ kind: "line", id: "S:1", attempt: 2, text: "hello", fields: `{"item":7}` }]);
  });
});
