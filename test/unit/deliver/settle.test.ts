// Row by row after the table in settle.ts.

import { describe, expect, test } from "vitest";
import { backoff, type SettleRule, settle } from "../../../runtime/deliver/settle.ts";
import type { Outcome, OutcomeKind } from "../../../runtime/message/outcome.ts";

const error = { name: "Error", message: "no such card", stack: "Error: no such card\n    at secret.ts:1:1" };
const exit = { code: 1, signal: null, outOfMemory: false, killedBecause: undefined, lastOutput: [] };
const outcomes: { readonly [Kind in OutcomeKind]: Extract<Outcome, { kind: Kind }> } = {
  returned: { kind: "returned", reply: Buffer.from("ok") },
  threw: { kind: "threw", error },
  "gave-up": { kind: "gave-up", error },
  "retry-later": { kind: "retry-later", delayMs: 30_000, error },
  "slow-down": { kind: "slow-down", delayMs: 20_000, error },
  invalid: { kind: "invalid", message: "id: not a uuid", issues: [{ path: "id", message: "not a uuid" }] },
  "not-serializable": { kind: "not-serializable", error },
  "timed-out": { kind: "timed-out", timeoutMs: 100, blocked: false },
  crashed: { kind: "crashed", exit },
  cancelled: { kind: "cancelled", by: "ana@laptop", blocked: false },
  "out-of-memory": { kind: "out-of-memory", exit: { ...exit, outOfMemory: true } },
  "too-many-hops": { kind: "too-many-hops", hops: 16 },
  "queue-full": { kind: "queue-full" },
  "given-back": { kind: "given-back", why: "shutdown" },
  filtered: { kind: "filtered" },
};
const kinds = Object.keys(outcomes) as OutcomeKind[];
const rule = (kind: SettleRule["kind"]): SettleRule => ({
  kind,
  envelope: "none",
  attempts: 3,
  backoffMs: [1_000, 5_000],
  streamsReply: false,
  version: "v1",
});
const settled = (kind: SettleRule["kind"], outcome: OutcomeKind, attempt = 1) =>
  settle(outcomes[outcome], attempt, rule(kind), 0.5);

describe("an event handler", () => {
  test.each(["returned", "filtered"] as const)("is done when it %s", (outcome) => {
    expect(settled("event", outcome)).toEqual({ do: "done" });
  });
  test.each(["queue-full", "given-back"] as const)("drops the message when it did not run: %s", (outcome) => {
    expect(settled("event", outcome).do).toBe("drop");
  });
  const rest = kinds.filter(
    (kind) => !["returned", "filtered", "queue-full", "given-back", "slow-down"].includes(kind),
  );
  test("keeps the message for after the pause that it asks for, as a dead letter where nobody can", () => {
    const otherwise = { do: "dead-letter", reason: "slow-down" };
    expect(settled("event", "slow-down")).toMatchObject({ do: "run-again", delayMs: 20_000, otherwise });
  });
  test.each(rest)("leaves a dead letter with the reason when it failed: %s", (outcome) => {
    expect(settled("event", outcome)).toMatchObject({ do: "dead-letter", reason: outcome });
  });
});

describe("a durable handler whose publish was not taken for want of NATS", () => {
  const outage: Outcome = { kind: "threw", error: { ...error, name: "NatsUnavailable", code: 504 } };
  test("is put off, and charged as any failure when that has lasted too long", () => {
    for (const attempt of [1, 3]) {
      const otherwise = settled("durable", "threw", attempt);
      expect(settle(outage, attempt, rule("durable"), 0.5)).toEqual({ do: "put-off", otherwise });
    }
  });
  test("as an event or a request handler has failed", () => {
    expect(settle(outage, 1, rule("event"), 0.5).do).toBe("dead-letter");
    expect(settle(outage, 1, rule("request"), 0.5).do).toBe("reply-error");
  });
});

describe("a request handler", () => {
  test("replies with what it returned, and with nothing as an empty message", () => {
    expect(settled("request", "returned")).toEqual({ do: "reply", body: Buffer.from("ok") });
    expect(settle({ kind: "returned", reply: undefined }, 1, rule("request"), 0)).toEqual({
      do: "reply",
      body: new Uint8Array(0),
    });
  });
  test.each([
    ["invalid", 400],
    ["threw", 500],
    ["not-serializable", 500],
    ["cancelled", 500],
    ["crashed", 500],
    ["out-of-memory", 500],
    ["gave-up", 422],
    ["queue-full", 429],
    ["retry-later", 503],
    ["given-back", 503],
    ["timed-out", 504],
    ["too-many-hops", 508],
  ] as const)("answers %s with error %i", (outcome, code) => {
    expect(settled("request", outcome)).toMatchObject({ do: "reply-error", code });
  });
  test("tells the message of an error and never its stack", () => {
    expect(JSON.stringify(settled("request", "threw"))).toContain("no such card");
    expect(JSON.stringify(settled("request", "threw"))).not.toContain("secret.ts");
  });
  test.each(kinds.filter((kind) => kind !== "returned"))(
    "says it in the body too, for who reads no headers: %s",
    (outcome) => {
      const settlement = settled("request", outcome) as { code: number; text: string; body: string };
      const { code, text, body } = settlement;
      // NestJS takes an empty reply for "nobody listens", and one with any other key for a good one.
      expect(JSON.parse(body)).toMatchObject({ err: { status: "error", code, message: text } });
      expect(Object.keys(JSON.parse(body))).toEqual(["err"]);
    },
  );
  test("that streams its reply ends it with an error without a body, whatever went wrong", () => {
    for (const outcome of Object.values(outcomes).filter(({ kind }) => kind !== "returned"))
      expect(settle(outcome, 1, { ...rule("request"), streamsReply: true }, 0)).toMatchObject({ body: "" });
  });
  test("tells the issues of an invalid payload in the body", () => {
    const settlement = settled("request", "invalid");
    expect(settlement).toMatchObject({ body: expect.stringContaining('"path":"id"') });
  });
});

describe("a request in packets of Nest", () => {
  const nest = { ...rule("request"), envelope: "nest", streamsReply: true } as const;
  const body = (outcome: Outcome) => {
    const settlement = settle(outcome, 1, nest, 0);
    if (settlement.do !== "reply-error") throw new Error(`it is settled with ${settlement.do}`);
    expect(settlement.isPacket).toBe(true);
    return JSON.parse(settlement.body);
  };
  test("ends in a packet that Nest takes for an exception, whatever failed it", () => {
    for (const outcome of Object.values(outcomes).filter(({ kind }) => kind !== "returned"))
      expect(body(outcome)).toEqual({
        err: expect.objectContaining({ status: "error", code: expect.any(Number), message: expect.any(String) }),
        isDisposed: true,
      });
  });
  test("carries what the author has thrown for the caller", () => {
    const answer = JSON.stringify({ reason: "no money" });
    expect(body({ kind: "threw", error, answer })).toEqual({ err: { reason: "no money" }, isDisposed: true });
  });
});

test("a worker that was killed is told by why, and one that ended by how", () => {
  const text = (how: Partial<typeof exit> | { killedBecause: string; signal: string }) =>
    settle({ kind: "crashed", exit: { ...exit, ...how } }, 1, rule("event"), 0);
  const broke = { code: null, signal: "SIGKILL", killedBecause: "it broke the protocol (frame of 0 bytes)" };
  expect(text(broke as never)).toMatchObject({
    text: "the worker was killed: it broke the protocol (frame of 0 bytes)",
  });
  expect(text({})).toMatchObject({ text: "the worker ended with exit code 1" });
});

describe("a durable handler", () => {
  test("leaves the message in its stream for the time of the pause that it asks for", () => {
    const otherwise = { do: "give-back" };
    expect(settled("durable", "slow-down", 3)).toEqual({
      do: "run-again",
      delayMs: 20_000,
      why: "no such card",
      otherwise,
    });
  });
  test.each(["returned", "filtered"] as const)("acknowledges when it %s", (outcome) => {
    expect(settled("durable", outcome)).toEqual({ do: "ack" });
  });
  test.each(["invalid", "gave-up", "too-many-hops"] as const)(
    "does not try again what can never succeed: %s",
    (outcome) => {
      expect(settled("durable", outcome, 1)).toMatchObject({ do: "dead-letter", reason: outcome });
    },
  );
  test.each(["threw", "not-serializable", "timed-out", "crashed", "out-of-memory"] as const)(
    "tries again after the backoff, and leaves a dead letter on the last attempt: %s",
    (outcome) => {
      expect(settled("durable", outcome, 1)).toEqual({ do: "retry", delayMs: 1_000 });
      expect(settled("durable", outcome, 2)).toEqual({ do: "retry", delayMs: 5_000 });
      expect(settled("durable", outcome, 3)).toMatchObject({ do: "dead-letter", reason: outcome });
    },
  );
  test("waits as long as RetryLater says, which counts as an attempt", () => {
    expect(settled("durable", "retry-later", 2)).toEqual({ do: "retry", delayMs: 30_000 });
    expect(settled("durable", "retry-later", 3)).toMatchObject({ do: "dead-letter", reason: "retry-later" });
  });
  test("waits for the backoff when RetryLater names no delay", () => {
    expect(settle({ kind: "retry-later", delayMs: undefined, error }, 1, rule("durable"), 0.5)).toEqual({
      do: "retry",
      delayMs: 1_000,
    });
  });
  test.each(["queue-full", "given-back"] as const)("gives back uncharged what did not run: %s", (outcome) => {
    expect(settled("durable", outcome, 3)).toEqual({ do: "give-back" });
  });
});

describe("backoff", () => {
  test("spreads delays between 75 % and 125 %", () => {
    expect([backoff(1, [1_000], 0), backoff(1, [1_000], 0.5), backoff(1, [1_000], 1)]).toEqual([750, 1_000, 1_250]);
  });
  test("keeps to the last entry for all later attempts", () => {
    expect(backoff(9, [1_000, 5_000], 0.5)).toBe(5_000);
  });
});
