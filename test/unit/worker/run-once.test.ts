// One message, from its bytes to its outcome, without a process or a socket.

import { concat, of, tap, throwError } from "rxjs";
import { describe, expect, it } from "vitest";
import type { HandlerFunction, StandardResult, StandardSchema } from "../../../runtime/worker/load.ts";
import type { MessageFilter } from "../../../runtime/worker/message-filter.ts";
import { assertPackable } from "../../../runtime/worker/nest-calls.ts";
import { type RunContext, type RunOwner, runOnce, type Turns } from "../../../runtime/worker/run-once.ts";
import type { PayloadFormat } from "../../../sdk/payload.ts";
import { GiveUp, RetryLater } from "../../../sdk/verdicts.ts";

interface Given {
  readonly payload?: string | Uint8Array;
  readonly replies?: boolean;
  readonly schema?: StandardSchema;
  readonly reply?: StandardSchema;
  readonly context?: RunContext;
  readonly turns?: Turns;
  readonly format?: PayloadFormat;
  readonly contentType?: string;
  readonly envelope?: "none" | "nest";
  readonly when?: MessageFilter;
}

const QUIET: RunContext = {
  signal: new AbortController().signal,
  isRemoval: false,
  hasUnconfirmed: false,
  allConfirmed: () => Promise.resolve(),
  elsewhere: undefined,
  fetchElsewhere: async () => ({ gone: "nowhere" }),
};

const decoder = new TextDecoder();

/** Runs the handler, and collects what it streams. */
function run(handler: HandlerFunction, given: Given = {}) {
  const { payload = "", replies = true, schema, reply, context = QUIET, turns, format = "json", contentType } = given;
  const { envelope = "none", when } = given;
  // As in a batch: there is something before it and behind it.
  const payloadBytes = Buffer.from(payload);
  const bytes = Buffer.concat([Buffer.from("{}"), payloadBytes, Buffer.from("}")]);
  const chunks: string[] = [];
  const owner: RunOwner = {
    turns,
    async chunk(_id, body) {
      chunks.push(decoder.decode(body));
    },
  };
  const program = { handler, schema, reply, payload: format, envelope, when, replies };
  const incoming = { id: 7, bytes, start: 2, end: 2 + payloadBytes.length, contentType };
  return { chunks, outcome: runOnce(program, incoming, context, owner) };
}

function replyOf(outcome: unknown): string {
  const { kind, reply } = outcome as { kind: string; reply: Uint8Array };
  expect(kind).toBe("returned");
  return decoder.decode(reply);
}

function schemaOf(validate: (value: unknown) => StandardResult | Promise<StandardResult>): StandardSchema {
  return { "~standard": { vendor: "test", validate } };
}

it("a handler without a promise costs no promise (M2)", () => {
  const { outcome } = run((event) => ({ got: event }), { payload: '{"a":1}' });
  expect(outcome).not.toBeInstanceOf(Promise);
  expect(replyOf(outcome)).toBe('{"got":{"a":1}}');
});

describe("a message for which `when` gives false", () => {
  const ran: unknown[] = [];
  const filtering = (when: unknown, given: Given = {}) =>
    run((event) => void ran.push(event), { payload: '{"type":"paid"}', when: when as MessageFilter, ...given });

  it("is let pass unrun, before its schema and its turn", () => {
    const schema = schemaOf(() => ({ issues: [{ message: "no" }] }));
    const turns = { take: () => expect.fail("it has no turn") };
    const { outcome } = filtering((event: { type: string }) => event.type === "sent", { schema, turns });
    expect(outcome).toEqual({ kind: "filtered" });
    expect(ran).toEqual([]);
  });

  it("is looked at as what lies in its packet, with what is known of it", () => {
    const seen: unknown[] = [];
    const when = (...given: unknown[]) => seen.push(...given) < 0;
    filtering(when, { payload: '{"pattern":"a","data":1}', envelope: "nest" });
    expect(seen).toEqual([1, QUIET]);
  });

  it("and one for which it gives true is run", () => {
    expect(filtering(() => true).outcome).toMatchObject({ kind: "returned" });
    expect(ran.splice(0)).toEqual([{ type: "paid" }]);
  });

  it.each([
    ["throws", () => (undefined as never as { type: string }).type === "a", "Cannot read properties of undefined"],
    ["gives a promise", async () => false, "metadata.when must give true or false, but gave a promise"],
    ["gives no answer", () => undefined, "but gave undefined"],
  ])("fails when `when` %s", (_how, when, why) => {
    expect(filtering(when).outcome).toMatchObject({ kind: "threw", error: { message: expect.stringContaining(why) } });
  });
});

describe("packets of Nest", () => {
  const sent = (data: unknown) => JSON.stringify({ pattern: "sum", data, id: "a1" });
  const nest = (handler: HandlerFunction, given: Given = {}) => run(handler, { envelope: "nest", ...given });
  const read = (reply: string) => JSON.parse(reply) as unknown;

  it("are opened before the schema, and the reply goes back in one", () => {
    const schema = schemaOf((value) => ({ value: { checked: value } }));
    const { outcome } = nest((event) => event, { payload: sent([1, 2]), schema });
    expect(read(replyOf(outcome))).toEqual({ response: { checked: [1, 2] }, isDisposed: true, id: "a1" });
  });

  it("end without a value where nothing is returned", () => {
    expect(read(replyOf(nest(() => undefined, { payload: sent(1) }).outcome))).toEqual({ isDisposed: true, id: "a1" });
  });

  it("carry each value of a streamed reply, and end it", async () => {
    const { chunks, outcome } = nest(
      async function* () {
        yield 1;
        yield 2;
      },
      { payload: sent(0) },
    );
    expect(read(replyOf(await outcome))).toEqual({ isDisposed: true, id: "a1" });
    expect(chunks.map(read)).toEqual([
      { response: 1, id: "a1" },
      { response: 2, id: "a1" },
    ]);
  });

  it("of events have no id, and are answered by nobody", () => {
    const events: unknown[] = [];
    const payload = JSON.stringify({ pattern: "sum", data: 7 });
    const { outcome } = nest((event) => events.push(event), { payload, replies: false });
    expect([outcome, events]).toEqual([{ kind: "returned", reply: undefined }, [7]]);
  });

  it.each(['{"a":1}', "5", "null", "[]", ""])("are all it takes: %j is refused", (payload) => {
    expect(nest(() => 1, { payload }).outcome).toMatchObject({
      kind: "invalid",
      message: expect.stringContaining("it is no packet of Nest"),
    });
  });

  it("carry what an RpcException has for the caller, and of other errors nothing more", async () => {
    const rpc = (error: unknown) => Object.assign(new Error("no"), { getError: () => error });
    const thrown = (error: unknown, more: Given = {}) =>
      nest(
        () => {
          throw error;
        },
        { payload: sent(1), ...more },
      ).outcome;
    expect(thrown(rpc({ reason: "no money" }))).toMatchObject({ kind: "threw", answer: '{"reason":"no money"}' });
    expect(thrown(rpc("no"))).toMatchObject({ answer: '{"status":"error","message":"no"}' });
    expect(await nest(() => Promise.reject(rpc("late")), { payload: sent(1) }).outcome).toMatchObject({
      answer: '{"status":"error","message":"late"}',
    });
    for (const outcome of [thrown(new Error("no")), thrown(rpc(1n)), thrown(rpc("no"), { replies: false })])
      expect(outcome).not.toHaveProperty("answer");
    await expect(run(() => Promise.reject(rpc("no"))).outcome).resolves.not.toHaveProperty("answer");
  });

  it("carry each value of an Observable, also of a promised one", async () => {
    for (const handler of [() => of(1, 2), async () => of(1, 2)]) {
      const { outcome, chunks } = nest(handler, { payload: sent(1) });
      expect(replyOf(await outcome)).toBe('{"isDisposed":true,"id":"a1"}');
      expect(chunks).toEqual(['{"response":1,"id":"a1"}', '{"response":2,"id":"a1"}']);
    }
  });

  it("carry what an Observable fails with after the values before it", async () => {
    const failing = () =>
      concat(
        of(1),
        throwError(() => new Error("no further")),
      );
    const { outcome, chunks } = nest(failing, { payload: sent(1) });
    expect(await outcome).toMatchObject({ kind: "threw", error: { message: "no further" } });
    expect(chunks).toEqual(['{"response":1,"id":"a1"}']);
  });

  it("of an event are done when the Observable is that the handler returns", async () => {
    const heard: number[] = [];
    const told = nest(() => of(1, 2).pipe(tap((each) => heard.push(each))), { payload: sent(1), replies: false });
    expect(await told.outcome).toEqual({ kind: "returned", reply: undefined });
    expect([heard, told.chunks]).toEqual([[1, 2], []]);
    const failing = nest(() => throwError(() => new Error("no")), { payload: sent(1), replies: false });
    expect(await failing.outcome).toMatchObject({ kind: "threw" });
  });

  it("carry no Observable that is published", () => {
    expect(() => assertPackable(of(1), "the data")).toThrow("the data is an Observable: take its value");
  });

  it("carry no bytes", () => {
    expect(nest(() => new Uint8Array(2), { payload: sent(1) }).outcome).toMatchObject({
      kind: "not-serializable",
      error: { message: "the returned value is bytes, and a packet of Nest is JSON" },
    });
  });
});

it("what an event handler returns is not looked at", () => {
  expect(run(() => 10n, { replies: false }).outcome).toEqual({ kind: "returned", reply: undefined });
});

it("a handler with a promise is awaited, and so is what it has published", async () => {
  const confirmed: string[] = [];
  const context = {
    ...QUIET,
    hasUnconfirmed: true,
    async allConfirmed() {
      confirmed.push("all");
    },
  };
  expect(replyOf(await run(async () => "late", { context }).outcome)).toBe('"late"');
  expect(replyOf(await run(() => "at once", { context }).outcome)).toBe('"at once"');
  expect(confirmed).toEqual(["all", "all"]);
});

it("a publish that failed unseen fails the run", async () => {
  const context = { ...QUIET, hasUnconfirmed: true, allConfirmed: () => Promise.reject(new Error("no room")) };
  expect(await run(() => 1, { context }).outcome).toMatchObject({ kind: "threw", error: { message: "no room" } });
});

it("the schema's output is what the handler gets, also when it takes its time", async () => {
  const twice = (value: unknown) => ({ value: [value, value] });
  expect(replyOf(run((event) => event, { payload: "1", schema: schemaOf(twice) }).outcome)).toBe("[1,1]");
  const slow = schemaOf(async (value) => twice(value));
  expect(replyOf(await run((event) => event, { payload: "1", schema: slow }).outcome)).toBe("[1,1]");
});

it("what the schema refuses is invalid, and never reaches the handler", () => {
  const refusing = schemaOf(() => ({ issues: [{ message: "too small", path: ["items", 0] }] }));
  const { outcome } = run(() => expect.unreachable(), { payload: "{}", schema: refusing });
  const issues = [{ path: "items.0", message: "too small" }];
  expect(outcome).toEqual({ kind: "invalid", message: "items.0: too small", issues });
});

it("a schema that throws, or rejects, fails the run (M1)", async () => {
  const throwing = schemaOf(() => {
    throw new Error("no database");
  });
  const failed = { kind: "threw", error: { message: "no database" } };
  expect(run(() => 1, { payload: "1", schema: throwing }).outcome).toMatchObject(failed);
  const rejecting = schemaOf(() => Promise.reject(new Error("no database")));
  expect(await run(() => 1, { payload: "1", schema: rejecting }).outcome).toMatchObject(failed);
});

it("what is thrown is the verdict, at once or later", async () => {
  for (const [thrown, outcome] of [
    [new Error("no"), { kind: "threw", error: { message: "no" } }],
    [new GiveUp("never"), { kind: "gave-up", error: { message: "never" } }],
    [new RetryLater("2s"), { kind: "retry-later", delayMs: 2_000 }],
    [null, { kind: "threw", error: { message: "threw null, which is not an Error" } }],
  ] as const) {
    const throws = () => {
      throw thrown;
    };
    expect(run(throws).outcome).toMatchObject(outcome);
    expect(await run(async () => throws()).outcome).toMatchObject(outcome);
  }
});

it("what JSON cannot carry is told as such, at once or later", async () => {
  const failed = { kind: "not-serializable", error: { message: expect.stringContaining("BigInt") } };
  expect(run(() => ({ n: 1n })).outcome).toMatchObject(failed);
  expect(await run(async () => ({ n: 1n })).outcome).toMatchObject(failed);
});

it("a generator streams, until it ends, throws or is aborted", async () => {
  async function* count() {
    yield 1;
    yield 2;
  }
  const whole = run(count);
  expect(replyOf(await whole.outcome)).toBe("");
  expect(whole.chunks).toEqual(["1", "2"]);
  const broken = run(async function* () {
    yield 1;
    throw new Error("no 2");
  });
  expect(await broken.outcome).toMatchObject({ kind: "threw", error: { message: "no 2" } });
  expect(broken.chunks).toEqual(["1"]);
  const aborted = run(count, { context: { ...QUIET, signal: AbortSignal.abort() } });
  await aborted.outcome;
  expect(aborted.chunks).toEqual(["1"]);
});

it("a handler that keeps an order is called in its turn, and what has no turn fails", async () => {
  const starts: (() => unknown)[] = [];
  const turns: Turns = {
    take: (_id, event, _message, start) => {
      if (event === 2) throw new Error("no key");
      return new Promise((resolve) => starts.push(() => resolve(start())));
    },
  };
  const { outcome } = run((event) => event, { payload: "1", turns });
  expect(outcome).toBeInstanceOf(Promise);
  for (const start of starts) start();
  expect(replyOf(await outcome)).toBe("1");
  expect(run(() => 1, { payload: "2", turns }).outcome).toMatchObject({ kind: "threw", error: { message: "no key" } });
});

const shapeOf = (event: unknown) => (event instanceof Uint8Array ? [...event] : (event ?? "undefined"));

it("what a handler gets depends on its format and on the Content-Type, never on the bytes", () => {
  const bytes = Uint8Array.from([0x31]); // "1" in MessagePack's eyes 49, in JSON's 1
  const codec = { contentType: "application/x-msgpack", decode: (given: Uint8Array) => ({ first: given[0] }) };
  for (const [format, contentType, payload, gets] of [
    ["json", undefined, bytes, 1],
    ["json", "application/json", bytes, 1],
    ["json", "application/cloudevents+json; charset=utf-8", bytes, 1],
    ["json", "text/plain", bytes, "1"],
    ["json", "Text/Plain; charset=UTF-8", bytes, "1"],
    ["json", "text/plain; charset=latin1", bytes, [0x31]],
    ["json", "application/octet-stream", bytes, [0x31]],
    ["json", "application/x-protobuf", bytes, [0x31]],
    ["json", undefined, "", "undefined"],
    ["json", "text/plain", "", ""],
    ["bytes", undefined, bytes, [0x31]],
    ["bytes", "application/json", bytes, [0x31]],
    ["bytes", undefined, "", []],
    [codec, undefined, bytes, { first: 0x31 }],
    [codec, "application/octet-stream", bytes, { first: 0x31 }],
    [codec, "APPLICATION/x-msgpack", bytes, { first: 0x31 }],
    [codec, undefined, "", {}],
  ] as const) {
    let got: unknown;
    const handler = (event: unknown) => {
      got = shapeOf(event);
    };
    const given = { format, payload, ...(contentType === undefined ? {} : { contentType }) };
    const { outcome } = run(handler, given);
    expect([format, contentType, outcome]).toMatchObject([format, contentType, { kind: "returned" }]);
    expect([format, contentType, got]).toEqual([format, contentType, gets]);
  }
});

it("what cannot be read as expected is invalid, and never reaches the handler", () => {
  const codec = {
    contentType: "application/x-protobuf",
    decode(): never {
      throw new RangeError("index out of range");
    },
  };
  const notUtf8 = Uint8Array.from([0x22, 0xc3, 0x28, 0x22]);
  for (const [given, message] of [
    [{ payload: "plain words" }, /^payload is not JSON: /],
    [{ payload: Uint8Array.from([0x0a, 5, 0x68]) }, /^payload is not JSON: /],
    [{ payload: notUtf8 }, /^payload is not UTF-8$/],
    [{ payload: notUtf8, contentType: "text/plain" }, /^payload is not UTF-8$/],
    [{ payload: "x", format: codec }, /^payload cannot be decoded: index out of range$/],
    [
      { payload: "{}", format: codec, contentType: "application/json" },
      /"application\/json", and not "application\/x-protobuf"/,
    ],
    [{ payload: "x", format: { decode: async () => 1 } }, /gives a promise/],
  ] as const) {
    const { outcome } = run(() => expect.unreachable(), given);
    expect(outcome).toEqual({ kind: "invalid", message: expect.stringMatching(message), issues: [] });
  }
});

it("a character that stands for an unreadable one is a character like others", () => {
  expect(replyOf(run((event) => event, { payload: '"\ufffd"' }).outcome)).toBe('"\ufffd"');
});

it("the bytes are the handler's own, and the codec's result goes through the schema", () => {
  const schema = schemaOf((value) => ({ value: { read: value } }));
  const format = { decode: (given: Uint8Array) => given.byteOffset + given.buffer.byteLength };
  expect(replyOf(run((event) => event, { payload: "abc", format, schema }).outcome)).toBe('{"read":3}');
});

it("a reply is encoded by the codec, bytes go as they are, and a text answers what was no JSON as text", () => {
  const format = {
    decode: (given: Uint8Array) => given.length,
    encode: (value: unknown) => Buffer.from(`<${value}>`),
  };
  expect(replyOf(run((event) => event, { payload: "abc", format }).outcome)).toBe("<3>");
  expect(replyOf(run(() => Buffer.from("as it is"), { format }).outcome)).toBe("as it is");
  expect(replyOf(run(() => undefined, { format }).outcome)).toBe("");
  expect(replyOf(run(() => "text", { payload: "a", format: "bytes" }).outcome)).toBe("text");
  expect(replyOf(run(() => "text", { payload: "a", contentType: "text/plain" }).outcome)).toBe("text");
  expect(replyOf(run(() => "text", { payload: "1" }).outcome)).toBe('"text"');
});

it("a codec that cannot encode is told as such", () => {
  const failing = {
    decode: () => 1,
    encode(): never {
      throw new Error("no such field");
    },
  };
  const wrong = { decode: () => 1, encode: () => "text" as never };
  const failed = (says: string) => ({ kind: "not-serializable", error: { message: expect.stringContaining(says) } });
  expect(run(() => 1, { format: failing }).outcome).toMatchObject(failed("no such field"));
  expect(run(() => 1, { format: wrong }).outcome).toMatchObject(failed("must give a Uint8Array, but gave string"));
});

it("a generator is streamed when it comes late too, and one that would never run fails the run", async () => {
  async function* count() {
    yield 1;
    yield 2;
  }
  const late = run(async () => count());
  expect(replyOf(await late.outcome)).toBe("");
  expect(late.chunks).toEqual(["1", "2"]);
  function* idle() {
    yield 1;
  }
  const failed = { kind: "threw", error: { message: "the handler gave a generator, of which nothing has run" } };
  expect(run(() => idle()).outcome).toMatchObject(failed);
  expect(run(() => idle(), { replies: false }).outcome).toMatchObject(failed);
  expect(await run(async () => count(), { replies: false }).outcome).toMatchObject(failed);
});

it("nothing that is thrown or returned breaks out of the run (M1)", async () => {
  const refuse = () => {
    throw new Error("hands off");
  };
  for (const trap of ["get", "getPrototypeOf", "has", "ownKeys"] as const) {
    const hostile = new Proxy(new Error("inside"), { [trap]: refuse });
    const throws = () => {
      throw hostile;
    };
    expect(run(throws).outcome, trap).toMatchObject({ kind: "threw" });
    expect(await run(async () => throws()).outcome, trap).toMatchObject({ kind: "threw" });
    for (const returns of [() => hostile, async () => hostile])
      expect(["threw", "not-serializable"], trap).toContain((await run(returns as HandlerFunction).outcome).kind);
  }
});

describe("a handler that says what it answers", () => {
  const even = schemaOf((value) =>
    Number(value) % 2 === 0 ? { value: "changed" } : { issues: [{ message: "must be even" }] },
  );

  it("sends what it gives when that fits, as it is: whoever gets it applies the schema", async () => {
    expect(replyOf(await run(() => 4, { reply: even }).outcome)).toBe("4");
    expect(replyOf(await run(async () => 6, { reply: even }).outcome)).toBe("6");
  });

  it("sends nothing else, and the requester learns why", async () => {
    expect(await run(() => 3, { reply: even }).outcome).toMatchObject({
      kind: "not-serializable",
      error: { message: "the returned value does not fit the schema of the reply: must be even" },
    });
  });

  it("streams values until one does not fit", async () => {
    const { chunks, outcome } = run(
      async function* () {
        yield 2;
        yield 5;
      },
      { reply: even },
    );
    expect(await outcome).toMatchObject({
      error: { message: "the yielded value does not fit the schema of the reply: must be even" },
    });
    expect(chunks).toEqual(["2"]);
  });
});

describe("what is gone", () => {
  const context = { ...QUIET, isRemoval: true, key: "profile.7" };
  const refuses = schemaOf(() => ({ issues: [{ message: "no" }] }));

  it("has no value: nothing is decoded, and no schema refuses it", () => {
    const seen: unknown[] = [];
    const given = { payload: "no JSON", schema: refuses, replies: false, context };
    const { outcome } = run((value) => void seen.push(value), given);
    expect([outcome, seen]).toEqual([{ kind: "returned", reply: undefined }, [undefined]]);
  });

  it("is looked at by `when`, and has its turn", async () => {
    const asked: unknown[] = [];
    const when: MessageFilter = (value, message) => {
      asked.push([value, (message as typeof context).key]);
      return false;
    };
    expect(run(() => undefined, { context, when }).outcome).toEqual({ kind: "filtered" });
    expect(asked).toEqual([[undefined, "profile.7"]]);
    const turns: Turns = {
      take(_id, value, message, start) {
        asked.push([value, message]);
        return start();
      },
    };
    await run(() => undefined, { context, turns, replies: false }).outcome;
    expect(asked.at(-1)).toEqual([undefined, context]);
  });
});
