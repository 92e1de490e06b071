// The test kit's `runHandler`: what a test sees is what the runtime would do.

import { type DeferredMessage, defineEvent, GiveUp, type HandlerContext, RetryLater, SlowDown } from "nats-handlers";
import { type HandlerExports, type RunHandlerOptions, runHandler, type SentMessage } from "nats-handlers/testing";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { EFFECTS, type EffectsPort } from "../../../sdk/effects-port.ts";

const saved = defineEvent("orders.saved", z.object({ id: z.string(), count: z.number().default(1) }));

type Run = (event: unknown, ctx: HandlerContext) => unknown;

function durable(run: Run, more: object = {}): HandlerExports & { readonly metadata: typeof saved } {
  return { default: run, metadata: { ...saved, kind: "durable", ...more } as never };
}

function requested(run: Run, more: object = {}): HandlerExports {
  return { default: run, metadata: { subject: "orders.list", kind: "request", ...more } };
}

const order = { id: "a" };

describe("a run", () => {
  it("gets the schema's output, and is acknowledged", async () => {
    const seen: unknown[] = [];
    const run = await runHandler(
      durable((event) => seen.push(event)),
      order,
    );
    expect(seen).toEqual([{ id: "a", count: 1 }]);
    expect(run).toMatchObject({ outcome: "returned", settlement: { do: "ack" }, error: undefined, reply: undefined });
  });

  it("has the context that the runtime gives", async () => {
    const seen: unknown[] = [];
    const module = {
      metadata: { subject: "orders.*.saved", kind: "durable", retry: { attempts: 7 } },
      default: (_event: unknown, ctx: HandlerContext) =>
        seen.push([ctx.subject, ctx.wildcards, ctx.attempt, ctx.attempts, ctx.headers.get("x-tenant"), ctx.id]),
    };
    const options = { subject: "orders.eu.saved", attempt: 3, sequence: 9, headers: { "X-Tenant": "acme" } };
    await runHandler(module, undefined, options);
    await runHandler(module, undefined, { ...options, sequence: 10 });
    const [first = [], second = []] = seen as unknown[][];
    expect(first.slice(0, 5)).toEqual(["orders.eu.saved", ["eu"], 3, 7, "acme"]);
    expect(second[5]).not.toBe(first[5]);
  });

  it("has the planned time of a run by schedule, where the test says so", async () => {
    const seen: unknown[] = [];
    const module = {
      metadata: { subject: "reports.nightly", kind: "durable", schedule: "0 5 * * *" },
      default: (_event: unknown, ctx: HandlerContext) => seen.push(ctx.scheduledFor),
    };
    const scheduledFor = new Date("2027-01-31T05:00:00Z");
    await runHandler(module, undefined, { scheduledFor });
    await runHandler(module, undefined, { headers: { a: "b" } });
    await runHandler(module, undefined);
    expect(seen).toEqual([scheduledFor, undefined, undefined]);
    await expect(runHandler(module, undefined, { scheduledFor: new Date("no") })).rejects.toThrow("must be a Date");
  });

  it("tells for how long what it publishes is to be kept", async () => {
    const publishes = requested(async (_event, ctx) => ctx.publish("orders.code", {}, { ttl: "10m" }));
    const { published } = await runHandler(publishes, undefined);
    expect(published[0]!.headers.get("Nats-TTL")).toBe("600s");
  });

  it("tells whether an operator has replayed the message", async () => {
    const tells = requested((_event, ctx) => ctx.replayed);
    const headers = { "Handlers-Replayed": "2030-01-31T18:30:00.000Z" };
    expect((await runHandler(tells, undefined)).reply).toBe(false);
    expect((await runHandler(tells, undefined, { headers })).reply).toBe(true);
  });

  it("tells when what it publishes is to leave", async () => {
    const at = new Date("1999-12-31T18:30:00Z");
    const run = await runHandler(
      requested(async (_event, ctx) => {
        await ctx.publish("orders.remind", {}, { delay: "10m", headers: { a: "b" } });
        await ctx.publish("orders.remind", {}, { at: at });
        await ctx.publish("orders.remind", {}, { delay: "0s" });
      }),
      undefined,
    );
    const [after, then, now] = run.published;
    expect(after).toMatchObject({ subject: "orders.remind", leaves: { delayMs: 600_000 } });
    expect(after!.headers.get("a")).toBe("b");
    expect(then).toMatchObject({ leaves: { at: at } });
    expect(now).not.toHaveProperty("leaves");
  });

  it("fails with an option that there is not, or with one that says nothing", async () => {
    const run = await runHandler(
      requested((_event, ctx) => ctx.publish("a", {}, { dealy: "1s" } as never)),
      undefined,
    );
    expect(run).toMatchObject({ outcome: "threw", error: { code: "UNKNOWN_OPTION" } });
    const other = await runHandler(
      requested((_event, ctx) => ctx.request("a", {}, { timeout: "soon" as never })),
      undefined,
    );
    expect(other).toMatchObject({ outcome: "threw", error: { code: "INVALID_OPTION" } });
  });

  it("never reaches the function with what the schema refuses, and becomes a letter", async () => {
    const run = await runHandler(
      durable(() => expect.unreachable()),
      { id: 7 } as never,
    );
    expect(run.outcome).toBe("invalid");
    expect(run.error?.message).toContain("id: ");
    expect(run.settlement).toMatchObject({ do: "dead-letter", reason: "invalid" });
  });

  it.each([
    ["threw", new Error("no"), 1, { do: "retry", delayMs: 1_000 }],
    ["threw", new Error("no"), 5, { do: "dead-letter", reason: "threw", text: "no" }],
    ["gave-up", new GiveUp("card expired"), 1, { do: "dead-letter", reason: "gave-up", text: "card expired" }],
    ["retry-later", new RetryLater("30s"), 1, { do: "retry", delayMs: 30_000 }],
    ["slow-down", new SlowDown("20s"), 5, { do: "run-again", delayMs: 20_000 }],
  ] as const)(
    "that %s with %s in attempt %i is settled as the runtime would",
    async (outcome, thrown, attempt, settlement) => {
      const module = durable(async () => {
        throw thrown;
      });
      const run = await runHandler(module, order, { attempt });
      expect(run).toMatchObject({ outcome, error: { message: thrown.message }, settlement });
    },
  );

  it("times out with its signal aborted, however it ends then", async () => {
    const module = durable(
      (_event, ctx) => new Promise((resolve) => ctx.signal.addEventListener("abort", () => resolve("after all"))),
    );
    const run = await runHandler(module, order, { timeout: "5ms" });
    expect(run).toMatchObject({ outcome: "timed-out", settlement: { do: "retry" } });
  });
});

describe("a request", () => {
  it("is answered with what the function returns, as the requester reads it", async () => {
    const run = await runHandler(
      requested(() => ({ at: new Date(0) })),
      undefined,
    );
    expect(run).toMatchObject({ settlement: { do: "reply" }, reply: { at: "1970-01-01T00:00:00.000Z" } });
  });

  it("is refused with what has no JSON", async () => {
    const run = await runHandler(
      requested(() => ({ left: 10n })),
      undefined,
    );
    expect(run).toMatchObject({ outcome: "not-serializable", settlement: { do: "reply-error", code: 500 } });
  });

  it("is answered value by value by a generator", async () => {
    const module = requested(async function* () {
      yield { page: 1 };
      yield { page: 2 };
    });
    expect(await runHandler(module, undefined)).toMatchObject({
      replies: [{ page: 1 }, { page: 2 }],
      reply: undefined,
    });
  });

  it("is answered in the codec's own way", async () => {
    const codec = {
      decode: (bytes: Uint8Array) => ({ sum: bytes.reduce((sum, byte) => sum + byte, 0) }),
      encode: ({ sum }: { sum: number }) => new Uint8Array([sum]),
    };
    const run = await runHandler(
      requested((event) => event, { payload: codec }),
      new Uint8Array([4, 5]),
    );
    expect(run.reply).toEqual({ sum: 9 });
  });
});

describe("what goes out", () => {
  it("is published and logged in its order, with the ids that a repeated run repeats", async () => {
    const module = durable(async (_event, ctx) => {
      await ctx.publish("orders.packed", { n: 1 }, { headers: { "X-Tenant": "acme" } });
      ctx.log.info({ n: 1 }, "packed");
      void ctx.publish("orders.sent", new Uint8Array([255]));
    });
    const [first, again] = [await runHandler(module, order), await runHandler(module, order, { attempt: 2 })];
    expect(first.published).toMatchObject([
      { subject: "orders.packed", data: { n: 1 } },
      { subject: "orders.sent", data: new Uint8Array([255]) },
    ]);
    expect(first.published[0]?.headers.get("x-tenant")).toBe("acme");
    expect(first.logs).toEqual([{ level: "info", message: "packed", fields: { n: 1 } }]);
    expect(again.published.map(({ id }) => id)).toEqual(first.published.map(({ id }) => id));
    expect(new Set(first.published.map(({ id }) => id)).size).toBe(2);
  });

  it("is requested of the test, whose throw is the replier's error", async () => {
    const module = requested(async (_event, ctx) => {
      const stock = await ctx.request("stock.left", { sku: "b" });
      return ctx.request("stock.none").catch((error: Error & { code: number }) => ({ stock, failed: error.code }));
    });
    const answer: RunHandlerOptions["answer"] = ({ subject, data }) => {
      if (subject === "stock.none") throw Object.assign(new Error("gone"), { code: 410 });
      return { of: data };
    };
    const run = await runHandler(module, undefined, { answer });
    expect(run.reply).toEqual({ stock: { of: { sku: "b" } }, failed: 410 });
    expect(run.requested.map(({ subject }) => subject)).toEqual(["stock.left", "stock.none"]);
  });

  it("fails the run when it is refused and nobody looks, uncharged where NATS is away", async () => {
    const module = durable((_event, ctx) => void ctx.publish("orders.packed", {}));
    const refusing = (code: number) => ({
      onPublish() {
        throw Object.assign(new Error("no room"), { code });
      },
    });
    expect(await runHandler(module, order, refusing(409))).toMatchObject({
      outcome: "threw",
      settlement: { do: "retry" },
    });
    expect((await runHandler(module, order, refusing(507))).settlement).toEqual({ do: "put-off" });
  });
});

describe("a life", () => {
  const lived: string[] = [];
  const module = {
    ...durable(() => lived.push("ran")),
    setup: () => lived.push("set up"),
    teardown: async () => lived.push("torn down"),
  };

  it("is a worker's: set up, run, torn down", async () => {
    lived.length = 0;
    await runHandler(module, order);
    await runHandler(module, order, { lifecycle: false });
    expect(lived).toEqual(["set up", "ran", "torn down", "ran"]);
  });
});

describe("what could not be", () => {
  it.each([
    ["a subject that does not reach the handler", { subject: "orders.packed" }, "does not reach it"],
    ["a subject with wildcards", { subject: "orders.*" }, "no wildcards"],
    ["an attempt of 0", { attempt: 0 }, "attempt must be 1 or more"],
    ["a header with a line break", { headers: { a: "b\r\nc" } }, "line break"],
    ["a timeout that is none", { timeout: "soon" as never }, "is not a duration"],
  ])("%s is refused", async (_what, options, words) => {
    await expect(
      runHandler(
        durable(() => 1),
        order,
        options,
      ),
    ).rejects.toThrow(words);
  });

  it("metadata that the runtime refuses is refused, with every problem", async () => {
    const module = { default: () => 1, metadata: { subject: "orders.", kind: "durible" } };
    await expect(runHandler(module, undefined)).rejects.toThrow(
      /kind must be[\s\S]*subject must not have an empty token/,
    );
  });

  it("a subject with wildcards is asked for", async () => {
    const module = { default: () => 1, metadata: { subject: "orders.>" } };
    await expect(runHandler(module, undefined)).rejects.toThrow("say in the option `subject`");
  });
});

describe("headers that go on", () => {
  const incoming = {
    "X-Request-Id": ["a", "b"],
    "x-user": "ann",
    "x-other": "no",
    traceparent: `00-${"1".repeat(32)}-${"2".repeat(16)}-01`,
  };
  const handler = (propagate: readonly string[], more: object = {}) => ({
    metadata: { subject: "orders.new", propagate },
    async default(_event: unknown, ctx: HandlerContext) {
      await ctx.publish("orders.packed", 1, more);
      await ctx.request("stock.left");
    },
  });
  const names = ({ headers }: SentMessage) => Object.fromEntries([...headers].map(([name, values]) => [name, values]));
  const options = { headers: incoming, answer: () => 1 };

  it("are on all that it sends, spelt as they came, beside those of the runtime", async () => {
    const { published, requested } = await runHandler(handler(["x-request-id", "X-USER", "x-missing"]), 1, options);
    const expected = {
      "X-Request-Id": ["a", "b"],
      "x-user": ["ann"],
      "Handlers-Hops": ["1"],
      traceparent: [incoming.traceparent],
    };
    expect([...published, ...requested].map(names)).toEqual([expected, expected]);
  });

  it("give way to what the handler says itself", async () => {
    const own = { headers: { "x-user": "bob", "x-mine": "1" }, delay: "5m" };
    const { published } = await runHandler(handler(["x-request-id", "x-user"], own), 1, options);
    expect(names(published[0]!)).toMatchObject({ "x-user": ["bob"], "x-mine": ["1"], "X-Request-Id": ["a", "b"] });
  });

  it("are none unless they are named, and none of a message that has none", async () => {
    expect(names((await runHandler(handler([]), 1, options)).published[0]!)).not.toHaveProperty("x-user");
    const bare = await runHandler(handler(["x-user"]), 1, { answer: () => 1 });
    expect(names(bare.published[0]!)).toEqual({ "Handlers-Hops": ["1"] });
  });
});

describe("of packets of Nest", () => {
  it("a test gives and gets what lies in them", async () => {
    const exports = {
      metadata: { subject: "sum", kind: "request", envelope: "nest" },
      default: (numbers: number[]) => numbers.length,
    };
    expect(await runHandler(exports, [1, 2])).toMatchObject({ outcome: "returned", reply: 2 });
  });

  it("what goes to services of Nest is seen as they get it, and answered as they answer", async () => {
    const exports = {
      metadata: { subject: "orders.new" },
      default: async (_event: unknown, ctx: HandlerContext) => {
        await ctx.publish("orders.seen", { id: 1 }, { envelope: "nest" });
        const left = await ctx.request("stock.left", "b", { envelope: "nest" });
        const failed = await ctx.request("stock.none", "b", { envelope: "nest" }).catch((error: unknown) => error);
        const foreign = await ctx.request("stock.other", "b", { envelope: "nest" }).catch((error: unknown) => error);
        await ctx.publish("told", { left, failed: told(failed), foreign: told(foreign) });
      },
    };
    const told = (thrown: unknown) => {
      const { message, code, cause } = thrown as Error & { code: number };
      return { message, code, cause };
    };
    const answers: Record<string, unknown> = {
      "stock.left": { response: 4, isDisposed: true, id: "x" },
      "stock.none": { err: { status: "error", message: "all sold" }, isDisposed: true },
      "stock.other": { left: 4 },
    };
    const run = await runHandler(exports, {}, { answer: ({ subject }) => answers[subject] });
    expect(run.published.map(({ data }) => data)).toEqual([
      { pattern: "orders.seen", data: { id: 1 } },
      {
        left: 4,
        failed: {
          message: 'the reply to the request to "stock.none" is an exception: all sold',
          code: 500,
          cause: { status: "error", message: "all sold" },
        },
        foreign: { message: expect.stringContaining("is no packet of Nest"), code: 502 },
      },
    ]);
    expect(run.requested.map(({ data }) => data)).toMatchObject([
      { pattern: "stock.left", data: "b", id: expect.any(String) },
      { pattern: "stock.none" },
      { pattern: "stock.other" },
    ]);
  });

  it("an option of a call that cannot be is refused", async () => {
    const exports = {
      metadata: { subject: "orders.new" },
      default: (_event: unknown, ctx: HandlerContext) => ctx.publish("a", new Uint8Array(1), { envelope: "nest" }),
    };
    expect(await runHandler(exports, {})).toMatchObject({
      outcome: "not-serializable",
      error: { message: 'the data published to "a" is bytes, and a packet of Nest is JSON' },
    });
  });
});

describe("buckets", () => {
  const module = (run: Run): HandlerExports => ({
    default: run,
    metadata: { subject: "users.seen", uses: { kv: ["users"], objects: ["files"] } },
  });

  it("have what the test gives, and are shown as the run has left them", async () => {
    const run = await runHandler(
      module(async (id, ctx) => {
        const users = ctx.kv("users");
        const entry = await users.get(String(id));
        await users.update(String(id), { times: entry!.json<{ times: number }>().times + 1 }, entry!.revision);
        await users.create("bob", "a text");
        await users.delete("eve");
        await ctx.objects("files").put("a.bin", new Uint8Array([255]));
        ctx.log.info({ keys: await users.keys(), name: (await ctx.objects("files").get("b.txt"))?.text() });
      }),
      "ann",
      { kv: { users: { ann: { times: 3 }, eve: 1 } }, objects: { files: { "b.txt": "hello" } } },
    );
    expect(run.error).toBeUndefined();
    expect(run.kv).toEqual({ users: { ann: { times: 4 }, bob: "a text" } });
    expect(run.objects).toEqual({ files: { "a.bin": new Uint8Array([255]), "b.txt": "hello" } });
    expect(run.logs[0]?.fields).toEqual({ keys: ["ann", "bob"], name: "hello" });
  });

  it("refuse what another has changed, and what the metadata does not name", async () => {
    const codes: unknown[] = [];
    const tried = async (act: () => Promise<unknown>) => act().catch((error) => codes.push(error.code));
    const { kv } = await runHandler(
      module(async (_id, ctx) => {
        const users = ctx.kv("users", { timeout: "1s" });
        await tried(() => users.create("ann", 2));
        await tried(() => users.update("ann", 2, 7));
        await tried(() => users.delete("ann", { revision: 7 }));
        await tried(async () => ctx.kv("user"));
        await tried(async () => ctx.objects("users"));
        await tried(async () => ctx.kv("users", { timeouts: "1s" } as object));
      }),
      "ann",
      { kv: { users: { ann: 1 } } },
    );
    expect(codes).toEqual([409, 409, 409, "BUCKET_NOT_DECLARED", "BUCKET_NOT_DECLARED", "UNKNOWN_OPTION"]);
    expect(kv).toEqual({ users: { ann: 1 } });
  });
});

describe("a message that is deferred", () => {
  const deferring = (then: (later: DeferredMessage, ctx: HandlerContext) => unknown) =>
    durable((_event, ctx) => void then(ctx.defer({ lease: "1h" }), ctx), { timeout: "1s" });

  it("ends as whoever settles it says, with what it published meanwhile", async () => {
    const done = await runHandler(
      deferring(async (later, ctx) => {
        await ctx.publish("a.later", 1);
        later.done();
      }),
      order,
    );
    expect(done).toMatchObject({ outcome: "returned", settlement: { do: "ack" }, published: [{ subject: "a.later" }] });
    const failed = await runHandler(
      deferring((later) => setImmediate(() => later.fail(new RetryLater("5s")))),
      order,
    );
    expect(failed).toMatchObject({ outcome: "retry-later", settlement: { do: "retry", delayMs: 5_000 } });
  });

  it("times out with its lease, and its signal aborts", async () => {
    const handles: DeferredMessage[] = [];
    let aborted = false;
    const module = deferring((later, { signal }) => {
      handles.push(later);
      signal.addEventListener("abort", () => {
        aborted = true;
      });
    });
    const run = await runHandler(module, order, { lease: "20ms" });
    expect(run).toMatchObject({ outcome: "timed-out", settlement: { do: "retry" } });
    expect(run.error?.message).toBe("was deferred, and not settled within its lease of 20 ms");
    expect([aborted, handles[0]?.done()]).toEqual([true, false]);
  });

  it("that throws has thrown, and one that cannot be deferred is refused", async () => {
    const throwing = durable((_event, ctx) => {
      ctx.defer({ lease: "1h" });
      throw new GiveUp("no");
    });
    expect(await runHandler(throwing, order)).toMatchObject({ outcome: "gave-up" });
    const asking = requested((_event, ctx) => ctx.defer({ lease: "1h" }));
    const message = 'ctx.defer: handler "handler" is of kind "request"';
    expect(await runHandler(asking, {})).toMatchObject({
      outcome: "threw",
      error: { message: expect.stringContaining(message) },
    });
  });
});

describe("a part that is run once", () => {
  const charging = (charge: (key: string) => unknown, kind = "durable"): HandlerExports => ({
    metadata: { subject: "orders.placed", kind, retry: { attempts: 3, backoff: "1s" } },
    default: async (_event: unknown, ctx: HandlerContext) => {
      ctx.log.info({ paid: await ctx.once("charge", ({ key }) => charge(key)) });
    },
  });
  const paid = (run: { readonly logs: readonly { readonly fields: Readonly<Record<string, unknown>> }[] }) =>
    run.logs.map(({ fields }) => fields.paid);

  it("gives what it gave before, as JSON has it, and has a key of the message, the handler and its name", async () => {
    const keys: string[] = [];
    const module = charging((key) => {
      keys.push(key);
      return { id: "ch_1", at: new Date(0), none: undefined };
    });
    const first = await runHandler(module, {});
    expect(paid(first)).toEqual([{ id: "ch_1", at: "1970-01-01T00:00:00.000Z" }]);
    expect(first.once).toEqual({ charge: { id: "ch_1", at: "1970-01-01T00:00:00.000Z" } });
    const second = await runHandler(module, {}, { attempt: 2, once: first.once });
    expect([paid(second), second.once]).toEqual([paid(first), first.once]);
    expect(keys).toHaveLength(1);
    await runHandler(module, {}, { attempt: 2 });
    await runHandler(module, {}, { sequence: 2 });
    expect(keys[0]).toMatch(/^[\w-]{43}$/);
    expect([keys[1] === keys[0], keys[2] === keys[0]]).toEqual([true, false]);
  });

  it("is called again after it threw, and may give nothing", async () => {
    const thrown = await runHandler(
      charging(() => Promise.reject(new RetryLater("5s"))),
      {},
    );
    expect(thrown).toMatchObject({ outcome: "retry-later", settlement: { do: "retry", delayMs: 5_000 }, once: {} });
    const nothing = await runHandler(
      charging(() => undefined),
      {},
    );
    expect(nothing).toMatchObject({ outcome: "returned", once: { charge: undefined } });
    const again = await runHandler(
      charging(() => "called"),
      {},
      { once: nothing.once },
    );
    expect(paid(again)).toEqual([undefined]);
  });

  it("fails the message for good where what it gave cannot be kept: it would be so each time", async () => {
    const map = await runHandler(
      charging(() => ({ prices: new Map() })),
      {},
    );
    const settlement = { do: "dead-letter", reason: "gave-up" };
    expect(map).toMatchObject({ outcome: "gave-up", settlement, once: {} });
    expect(map.error?.message).toBe(
      'what ctx.once("charge") is to keep holds a Map at "prices", which JSON cannot carry',
    );
    const large = await runHandler(
      charging(() => "x".repeat(65_535)),
      {},
    );
    expect(large).toMatchObject({
      outcome: "gave-up",
      settlement,
      error: { message: expect.stringContaining("takes 65537 bytes") },
    });
  });

  it("leaves what is called beside and after it the ids that it has without the part", async () => {
    const module = durable(async (_event, ctx) => {
      await ctx.publish("a.before", 1);
      const beside = ctx.once("asked", async () => {
        await ctx.publish("a.part", 1);
        return ctx.request("a.asked");
      });
      await Promise.all([beside, ctx.publish("a.beside", 1)]);
      await ctx.once("empty", () => 1);
      await ctx.publish("a.after", 1);
    });
    const first = await runHandler(module, order, { answer: () => "answer" });
    expect(first).toMatchObject({ outcome: "returned", once: { asked: "answer", empty: 1 } });
    const second = await runHandler(module, order, { attempt: 2, once: first.once });
    const idsOf = (run: { readonly published: readonly SentMessage[] }) =>
      run.published.filter(({ subject }) => subject !== "a.part").map(({ id }) => id);
    expect(idsOf(second)).toEqual(idsOf(first));
    expect(new Set(first.published.map(({ id }) => id)).size).toBe(4);
    expect(second.published).toHaveLength(3);
  });

  it("is refused where no message comes again, twice in a run, and without a name", async () => {
    const codes: unknown[] = [];
    const tried = (act: () => Promise<unknown>) => act().catch((error) => codes.push(error.code));
    for (const kind of ["event", "request"])
      await runHandler(
        {
          metadata: { subject: "orders.placed", kind },
          default: (_: unknown, ctx: HandlerContext) => tried(() => ctx.once("a", () => 1)),
        },
        {},
      );
    await runHandler(
      durable(async (_event, ctx) => {
        await Promise.all([ctx.once("a", () => 1), tried(() => ctx.once("a", () => 2))]);
        await tried(() => ctx.once("", () => 1));
        await tried(() => ctx.once("x".repeat(201), () => 1));
      }),
      order,
    );
    expect(codes).toEqual(["NOT_DURABLE", "NOT_DURABLE", "ONCE_REPEATED", "INVALID_NAME", "INVALID_NAME"]);
  });
});

describe('with `outputs: "atomic"`', () => {
  const more = { outputs: "atomic" };
  const subjects = (sent: readonly SentMessage[]) => sent.map(({ subject }) => subject);

  it("what it publishes leaves when it has returned, in its order", async () => {
    const run = await runHandler(
      durable(async (_event, ctx) => {
        const bytes = new Uint8Array([1]);
        await ctx.publish("a", bytes);
        bytes[0] = 2;
        await ctx.publish("b", {});
      }, more),
      order,
    );
    expect(run).toMatchObject({ outcome: "returned", settlement: { do: "ack" } });
    expect(subjects(run.published)).toEqual(["a", "b"]);
    expect(run.published[0]?.data).toEqual(new Uint8Array([1]));
  });

  it("nothing leaves where it throws", async () => {
    const run = await runHandler(
      durable(async (_event, ctx) => {
        await ctx.publish("a", {});
        throw new Error("no");
      }, more),
      order,
    );
    expect([run.outcome, run.published]).toEqual(["threw", []]);
  });

  it("what would not be stored with the rest is refused", async () => {
    const codes: unknown[] = [];
    let later: () => unknown = () => undefined;
    const run = await runHandler(
      durable(async (_event, ctx) => {
        const tried = async (act: () => unknown) => {
          try {
            await act();
          } catch (error) {
            codes.push((error as { code?: unknown }).code);
          }
        };
        await tried(() => ctx.publish("a", {}, { delay: "1m" }));
        await tried(() => ctx.once("part", () => ctx.publish("a", {})));
        await tried(() => (ctx as unknown as { [EFFECTS]: EffectsPort })[EFFECTS].prepare("a", {}, undefined));
        for (let n = 0; n < 999; n++) await ctx.publish("many", n);
        await tried(() => ctx.publish("a", {}));
        later = () => tried(() => ctx.publish("a", {}));
      }, more),
      order,
    );
    await later();
    expect(codes).toEqual(["NOT_ATOMIC", "NOT_ATOMIC", "NOT_ATOMIC", "TOO_MANY_OUTPUTS", "NOT_ATOMIC"]);
    expect([run.outcome, run.published.length]).toEqual(["returned", 999]);
  });
});

describe("a schedule that a run makes", () => {
  it("is there when it has ended, by its key; the last of a key, and none that was taken away", async () => {
    const gone: unknown[] = [];
    const module = durable(async (_event, ctx) => {
      await ctx.schedule("a", "billing.remind", { id: 1 }, "@daily");
      await ctx.schedule(
        "a",
        saved,
        { id: "2" },
        { cron: "0 9 * * MON", timeZone: "Europe/Berlin", headers: { X: "y" } },
      );
      await ctx.schedule("b", "billing.remind", undefined, { every: "5m", missed: "all" });
      await ctx.schedule("c", "billing.remind", {}, "@hourly");
      gone.push(await ctx.unschedule("c"), await ctx.unschedule("c"));
    });
    const { schedules, outcome, published } = await runHandler(module, order);
    expect([outcome, published, gone]).toEqual(["returned", [], [true, false]]);
    const { headers, ...a } = schedules.a!;
    expect(a).toEqual({
      subject: "orders.saved",
      data: { id: "2" },
      cron: "0 9 * * MON",
      timeZone: "Europe/Berlin",
      missed: "once",
    });
    expect([...headers]).toEqual([["X", ["y"]]]);
    expect(schedules.b).toMatchObject({ data: undefined, everyMs: 300_000, missed: "all" });
    expect(Object.keys(schedules)).toEqual(["a", "b"]);
  });

  it("is refused as the runtime would", async () => {
    const refused = durable((_event, ctx) => ctx.schedule("a", "billing.remind", {}, { cron: "0 25 * * *" }));
    const { error, schedules } = await runHandler(refused, order);
    expect(error?.message).toMatch(/ctx\.schedule\("a"\): cron is no cron pattern/);
    expect(schedules).toEqual({});
  });
});
