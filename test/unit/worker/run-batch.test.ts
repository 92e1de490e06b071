// A batch, from the bytes of its messages to how each has ended, without a process or a socket.

import { describe, expect, it } from "vitest";
import { type ContextDeps, DeliveryContext } from "../../../runtime/worker/context.ts";
import type { HandlerFunction, StandardSchema } from "../../../runtime/worker/load.ts";
import { RequestTurns } from "../../../runtime/worker/request-turns.ts";
import { BatchRun } from "../../../runtime/worker/run-batch.ts";
import type { HandlerProgram } from "../../../runtime/worker/run-once.ts";
import type { BatchContext } from "../../../sdk/context.ts";
import { GiveUp, RetryLater } from "../../../sdk/verdicts.ts";

const SERVICES: ContextDeps = {
  link: {
    call: () => expect.fail("nothing is called"),
    publishUnanswered: () => undefined,
    written: async () => undefined,
    schedule: () => {},
    sendJson: () => {},
  },
  start: {
    ...{
      kind: "durable",
      subjects: ["a"],
      envelope: "none",
      propagate: [],
      uses: { kv: [], objects: [] },
      concurrency: 1,
      batches: true,
    },
    ...{ attempts: 5, timeoutMs: 1_000, idPrefixes: ["s:"], app: "shop" },
  },
  handler: "h",
  telemetry: undefined,
  requests: new RequestTurns(10),
};

type Given = Partial<Pick<HandlerProgram, "schema" | "when" | "envelope">>;

function batchOf(
  handler: (contents: never, ctx: BatchContext) => unknown,
  payloads: readonly string[],
  given: Given = {},
) {
  const batch = new BatchRun(
    {
      ...{
        handler: handler as HandlerFunction,
        schema: undefined,
        reply: undefined,
        payload: "json",
        envelope: "none",
      },
      ...{ when: undefined, replies: false, ...given },
    },
    SERVICES,
  );
  for (const [at, payload] of payloads.entries()) {
    const bytes = Buffer.from(payload);
    const arrival = {
      ...{ frameId: at, seq: at + 1, origin: 0, storedAtMs: undefined, again: false, attempt: 1, subject: "a" },
      ...{ headerBytes: undefined, payloadStart: 0 },
    };
    const context = new DeliveryContext(arrival, SERVICES);
    batch.add({ id: at, bytes, start: 0, end: bytes.length, contentType: undefined }, context);
    bytes.fill(0); // They are used for something else by then.
  }
  return batch;
}

/** How they ended: of all that are not named, and by place. */
async function endOf(batch: BatchRun) {
  const { outcome, named } = await batch.run();
  return { all: outcome.kind, named: Object.fromEntries([...named].map(([place, { kind }]) => [place, kind])) };
}

const positive: StandardSchema = {
  "~standard": {
    vendor: "test",
    validate: (value) => ((value as number) > 0 ? { value } : { issues: [{ message: "must be positive" }] }),
  },
};
const laterPositive: StandardSchema = {
  "~standard": { vendor: "test", validate: async (value) => positive["~standard"].validate(value) },
};

describe("T1: each message", () => {
  it.each([
    ["at once", positive],
    ["later", laterPositive],
  ])(
    "is decoded, let pass and checked by itself, by a schema that answers %s; the rest are given, in order",
    async (_, schema) => {
      const given: unknown[] = [];
      const handler = (contents: number[], { messages }: BatchContext) =>
        given.push(
          contents,
          messages.map(({ id }) => id),
        );
      const payloads = ["1", "{", "-2", "9", "3"];
      expect(await endOf(batchOf(handler, payloads, { schema, when: (n) => n !== 9 }))).toEqual({
        all: "returned",
        named: { 1: "invalid", 2: "invalid", 3: "filtered" },
      });
      expect(given).toEqual([
        [1, 3],
        ["s:1", "s:5"],
      ]);
    },
  );

  it("may be no good, and then the function is not called", async () => {
    const handler = () => expect.fail("it was called");
    expect(await endOf(batchOf(handler, ["{", "x"]))).toEqual({
      all: "returned",
      named: { 0: "invalid", 1: "invalid" },
    });
  });

  it("comes out of its envelope", async () => {
    const given: unknown[] = [];
    const packet = JSON.stringify({ pattern: "a", data: 7 });
    await endOf(batchOf((contents) => given.push(contents), [packet, "7"], { envelope: "nest" }));
    expect(given).toEqual([[7]]);
  });
});

describe("T2: the function", () => {
  it("fails messages by their place, among those it was given; the first word counts", async () => {
    const handler = async (_: unknown, { fail }: BatchContext) => {
      fail(1, new RetryLater("5s"));
      fail(1, new GiveUp("never"));
      fail(2, "no error at all");
    };
    expect(await endOf(batchOf(handler, ["{", "1", "2", "3"]))).toEqual({
      all: "returned",
      named: { 0: "invalid", 2: "retry-later", 3: "threw" },
    });
  });

  it("may throw: that is the end of all it has not failed by name", async () => {
    const handler = (_: unknown, ctx: BatchContext) => {
      ctx.fail(0, new GiveUp("never"));
      throw new Error("no");
    };
    expect(await endOf(batchOf(handler, ["1", "2"]))).toEqual({ all: "threw", named: { 0: "gave-up" } });
  });

  it.each([-1, 2, 0.5, Number.NaN, "0"])(
    "fails as a whole when it fails a place that there is not: %s",
    async (place) => {
      const handler = (_: unknown, ctx: BatchContext) => ctx.fail(place as number, new Error("no"));
      const { outcome } = await batchOf(handler, ["1", "2"]).run();
      expect(outcome).toMatchObject({ kind: "threw", error: { name: "RangeError", message: /from 0 to 1/ } });
    },
  );

  it("is told when it fails a message after its own end", async () => {
    const seen: BatchContext[] = [];
    await batchOf((_: unknown, ctx: BatchContext) => seen.push(ctx), ["1"]).run();
    expect(() => seen[0]!.fail(0, new Error("no"))).toThrow("after the function had ended");
  });

  it("must not be a generator, of which nothing would run", async () => {
    const handler = function* () {
      yield 1;
    };
    expect(await endOf(batchOf(handler, ["1"]))).toEqual({ all: "threw", named: {} });
  });

  it("sees the signals of the batch and of its messages abort", async () => {
    const called = Promise.withResolvers<BatchContext>();
    const aborted = Promise.withResolvers<void>();
    const handler = (_: unknown, ctx: BatchContext) => {
      ctx.signal.addEventListener("abort", () => aborted.resolve());
      called.resolve(ctx);
      return aborted.promise;
    };
    const batch = batchOf(handler, ["1"]);
    const ended = endOf(batch);
    const { messages } = await called.promise;
    batch.abort(new Error("over"));
    expect([await ended, messages[0]!.signal.aborted]).toEqual([{ all: "returned", named: {} }, true]);
  });
});
