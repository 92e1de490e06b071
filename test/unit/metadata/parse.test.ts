import { describe, expect, test } from "vitest";
import { describeError, type RuntimeError } from "../../../runtime/errors.ts";
import { slotsOf } from "../../../runtime/metadata/batch.ts";
import type { ResolvedMetadata } from "../../../runtime/metadata/handler-metadata.ts";
import { parseMetadata } from "../../../runtime/metadata/parse.ts";
import { describeMetadata } from "../../../runtime/worker/describe-metadata.ts";
import { DEFAULTS } from "../../support/handler-defaults.ts";

const WHERE = { handler: "todo/save", file: "handlers/todo/save.ts" };

function resolved(raw: unknown, defaults = DEFAULTS): ResolvedMetadata {
  const parsed = parseMetadata(raw, defaults, WHERE);
  if (!parsed.ok) throw parsed.error;
  return parsed.metadata;
}

function refused(raw: unknown, source?: string): RuntimeError {
  const parsed = parseMetadata(raw, DEFAULTS, { ...WHERE, source });
  if (parsed.ok) throw new Error("the metadata was accepted");
  return parsed.error;
}

test("several subjects are taken as they stand, where no message fits two of them", () => {
  expect(resolved({ subject: ["todo.new", "todo.done.*", "user.>"] }).subjects).toEqual([
    "todo.new",
    "todo.done.*",
    "user.>",
  ]);
});

test("where it begins is read as a moment", () => {
  const from = "2030-01-31T18:30:00+01:00";
  expect(resolved({ subject: "a.b", kind: "durable", from }).from).toEqual({
    kind: "time",
    atMs: Date.UTC(2030, 0, 31, 17, 30),
  });
});

test("a subject alone is enough: the rest are the defaults handed in", () => {
  expect(resolved({ subject: "todo.new" })).toEqual({
    ...DEFAULTS,
    outputs: "each",
    publishes: [],
    uses: { kv: [], objects: [] },
    subjects: ["todo.new"],
    hasSchema: false,
    payload: "json",
    streamsReply: false,
    filters: false,
    ordered: false,
    oneAtATime: false,
    singleton: false,
    from: { kind: "all" },
    everyReplica: false,
    exclusive: false,
  });
});

describe("the envelope", () => {
  const byDefault = { ...DEFAULTS, envelope: "nest" } as const;
  const schedule = { every: "5m" };

  test("is none, what the defaults say, or what the metadata says", () => {
    expect(resolved({ subject: "sum" }).envelope).toBe("none");
    expect(resolved({ subject: "sum" }, byDefault).envelope).toBe("nest");
    expect(resolved({ subject: "sum", envelope: "nest" }).envelope).toBe("nest");
    expect(resolved({ subject: "sum", envelope: "none" }, byDefault).envelope).toBe("none");
  });

  test("of the defaults gives way to a payload that is not JSON, and to a schedule", () => {
    expect(resolved({ subject: "sum", payload: "bytes" }, byDefault).envelope).toBe("none");
    expect(resolved({ subject: "sum", schedule }, byDefault).envelope).toBe("none");
  });

  test("is refused with the reason where it is unknown or cannot go with the rest", () => {
    const problem = (more: object) => refused({ subject: "sum", ...more }).message;
    expect(problem({ envelope: "nst" })).toContain(
      'metadata.envelope must be "none" or "nest"; received "nst". Did you mean "nest"?',
    );
    expect(problem({ envelope: "nest", payload: "bytes" })).toContain(
      'metadata.envelope cannot be "nest" beside `payload`: packets of Nest are JSON; leave out one of them',
    );
    expect(problem({ envelope: "nest", schedule })).toContain(
      'metadata.envelope cannot be "nest" beside `schedule`: what a schedule publishes is no packet of Nest',
    );
    expect(resolved({ subject: "sum", envelope: "none", payload: "bytes" }).envelope).toBe("none");
  });
});

test("a filter is a function, and not for requests", () => {
  const when = { $function: true };
  expect(resolved({ subject: "todo.new", when }).filters).toBe(true);
  expect(refused({ subject: "todo.new", when: "paid" }).message).toContain(
    'metadata.when must be a function of the content and the message that gives true or false; received "paid"',
  );
  expect(refused({ subject: "todo.list", kind: "request", when }).message).toContain(
    "a request that is let pass would have no answer",
  );
});

test.each([
  ["x-request-id", 'must be a list of names of headers, such as ["x-request-id"]; received "x-request-id"'],
  [["x request"], 'in printable ASCII without spaces or ":"'],
  [["a", "Nats-Msg-Id"], 'must not name headers that start with "Nats-": they belong to the server'],
  [["handlers-hops"], "the runtime writes them itself"],
  [["traceparent"], "they go on by themselves"],
  [["Content-Type"], "it says what the message's own payload is"],
])("headers that cannot go on are refused: %j", (propagate, why) => {
  expect(refused({ subject: "todo.new", propagate }).message).toContain(why);
});

test("headers that go on by default are those of the metadata where it names any, or none", () => {
  const byDefault = { ...DEFAULTS, propagate: ["x-tenant"] };
  const propagated = (more: object) => resolved({ subject: "todo.new", ...more }, byDefault).propagate;
  expect([propagated({}), propagated({ propagate: ["x-user"] }), propagated({ propagate: [] })]).toEqual([
    ["x-tenant"],
    ["x-user"],
    [],
  ]);
});

test.each([
  [["users"], 'must be an object such as { kv: ["users"], objects: ["files"] }; received ["users"]'],
  [{ kv: "users" }, 'metadata.uses.kv must be a list of names of buckets, such as ["users"]; received "users"'],
  [{ objects: ["a", "b.c"] }, 'must list names of buckets: letters, digits, "_" or "-"; received "b.c" (entry 2)'],
  [{ kvs: ["a"] }, 'metadata.uses.kvs is not an option. Did you mean "kv"?'],
])("buckets that there cannot be are refused: %j", (uses, why) => {
  expect(refused({ subject: "todo.new", uses }).message).toContain(why);
});

test("buckets are none unless they are named, and each is named once", () => {
  expect(resolved({ subject: "todo.new" }).uses).toEqual({ kv: [], objects: [] });
  expect(resolved({ subject: "todo.new", uses: { kv: ["a", "b", "a"] } }).uses).toEqual({
    kv: ["a", "b"],
    objects: [],
  });
});

test("the schema of a reply is for requests, and must be one", () => {
  const reply = { $schema: "standard", vendor: "zod" };
  expect(resolved({ subject: "todo.list", kind: "request", reply })).toMatchObject({ kind: "request" });
  expect(refused({ subject: "todo.list", kind: "durable", reply }).message).toContain(
    'metadata.reply is for handlers of kind "request" only; this one is "durable"',
  );
  expect(refused({ subject: "todo.list", kind: "request", reply: {} }).message).toContain(
    "metadata.reply must be a Standard Schema",
  );
});

test("every option is read, in the runtime's units", () => {
  const raw = {
    subject: "todo.*",
    kind: "durable",
    schema: { $schema: "standard", vendor: "zod" },
    payload: "bytes",
    description: "Saves an item",
    concurrency: 8,
    timeout: "10s",
    retry: { attempts: 2, backoff: ["1s", "1.5m"] },
    expires: "7d",
    memory: "0.5GB",
    publishes: [{ subject: "todo.itemsaved", schema: { $schema: "standard", vendor: "zod" } }, "todo.*.done"],
    propagate: ["X-Request-Id", "x-tenant", "x-request-id"],
    env: ["DATABASE_URL", "API_KEY", "DATABASE_URL"],
    idle: "never",
    recycle: { messages: 1_000, age: "1h" },
    minWorkers: 1,
    workers: 4,
    maxQueued: 50,
    disabled: true,
  };
  expect(resolved(raw)).toEqual({
    subjects: ["todo.*"],
    kind: "durable",
    hasSchema: true,
    payload: "bytes",
    envelope: "none",
    streamsReply: false,
    description: "Saves an item",
    concurrency: 8,
    oneAtATime: false,
    singleton: false,
    from: { kind: "all" },
    everyReplica: false,
    timeoutMs: 10_000,
    retry: { attempts: 2, backoffMs: [1_000, 90_000] },
    expiresMs: 604_800_000,
    filters: false,
    ordered: false,
    outputs: "each",
    publishes: ["todo.itemsaved", "todo.*.done"],
    propagate: ["x-request-id", "x-tenant"],
    uses: { kv: [], objects: [] },
    memoryMiB: 512,
    env: ["DATABASE_URL", "API_KEY"],
    idleMs: 0,
    recycle: { messages: 1_000, ageMs: 3_600_000 },
    minWorkers: 1,
    workers: 4,
    exclusive: false,
    maxQueued: 50,
    maxQueuedBytes: 10_000,
    disabled: true,
  });
});

describe("batch", () => {
  const batch = { size: 100 };

  test("a rate is that of a replica unless it says otherwise", () => {
    expect(resolved({ subject: "a", rate: "30/m" }).rate).toEqual({ count: 30, everyMs: 60_000, per: "replica" });
    const policy = { limit: "5/s", per: "fleet", key: { header: "t" } };
    expect(resolved({ subject: "a", rate: policy }).rate).toEqual({
      ...{ count: 5, everyMs: 1_000, per: "fleet", key: { header: "t" } },
    });
  });

  test("where stored messages take turns, more of them may wait", () => {
    const fairBy = { key: { header: "t" }, concurrency: 3 };
    expect(resolved({ subject: "a", kind: "durable", fairBy })).toMatchObject({ fairBy, maxQueued: 200_000 });
    expect(resolved({ subject: "a", kind: "durable", fairBy, maxQueued: 5 }).maxQueued).toBe(5);
    expect(resolved({ subject: "a", fairBy }).maxQueued).toBeLessThan(200_000);
  });

  test("waits 200 ms unless it says otherwise, and runs one at a time unless it says otherwise", () => {
    expect(resolved({ subject: "a", batch })).toMatchObject({ batch: { size: 100, waitMs: 200 }, concurrency: 1 });
    const stated = { subject: "a", kind: "durable", concurrency: 4, batch: { size: 2, wait: "1s" } };
    expect(resolved(stated)).toMatchObject({ batch: { size: 2, waitMs: 1_000 }, concurrency: 4 });
    expect("batch" in resolved({ subject: "a" })).toBe(false);
    const keyed = { subject: "a.*", batch: { size: 2, key: { wildcard: 0 } } };
    expect(resolved(keyed).batch).toEqual({ size: 2, waitMs: 200, key: { wildcard: 0 } });
  });

  test.each([
    [{ size: 10, concurrency: 1 }, 160],
    [{ size: 1_000, concurrency: 2 }, 10_000],
    [{ size: 1_000, concurrency: 10 }, 10_000],
  ])("with a key has room for other keys beside what runs: %j, %i in hand", ({ size, concurrency }, inHand) => {
    const metadata = resolved({ subject: "a.*", concurrency, batch: { size, key: { wildcard: 0 } } });
    expect(slotsOf(metadata)).toBe(inHand);
    expect(slotsOf(resolved({ subject: "a.*", concurrency, batch: { size } }))).toBe(size * concurrency);
  });

  test.each([
    [{ kind: "request", batch }, 'metadata.batch is for handlers of kind "event" or "durable"'],
    [{ kind: "durable", concurrency: "one", batch }, 'metadata.batch cannot be kept beside concurrency "one"'],
    [{ kind: "durable", orderBy: { $function: true }, batch }, "metadata.batch cannot be kept beside orderBy"],
    [{ kind: "durable", schedule: "@hourly", batch }, "metadata.batch cannot be kept beside schedule"],
    [{ kind: "durable", rate: "10/s", batch }, "metadata.batch cannot be kept beside rate"],
    [{ batch: { size: 1_000 }, concurrency: 11 }, "at most 10,000 messages in hand; 1000 times 11 is 11000"],
    [{ batch: {} }, "metadata.batch.size is missing"],
    [{ batch: { size: 0 } }, "metadata.batch.size must be a whole number from 1 to 1,000; received 0"],
    [{ batch: { size: 1, wait: "2m" } }, 'metadata.batch.wait must be from "0s" to "1m"'],
    [{ batch: 100 }, "metadata.batch must be an object such as { size: 100"],
    [{ batch: { size: 1, max: 5 } }, "metadata.batch.max is not an option"],
    [{ batch: { size: 1, key: { $function: true } } }, "metadata.batch.key must be one of { wildcard: 0 }"],
    [
      { batch: { size: 1, key: { wildcard: 0 } } },
      'metadata.batch.key must name a wildcard of the subject, from 0 on; "a" has 0',
    ],
  ])("refuses %j", (raw, why) => {
    expect(refused({ subject: "a", ...raw }).message).toContain(why);
  });
});

describe('replicas "each" of a durable handler', () => {
  const each = { subject: "a.*", kind: "durable", replicas: "each" };

  test("begins with what is new, and keeps its process, unless it says otherwise", () => {
    expect(resolved(each)).toMatchObject({ everyReplica: true, from: { kind: "new" }, idleMs: 0 });
    const stated = { ...each, from: "last", idle: "1m" };
    expect(resolved(stated)).toMatchObject({ from: { kind: "last" }, idleMs: 60_000 });
  });

  test.each([
    [{ singleton: true }, 'metadata.replicas "each" cannot be kept beside singleton'],
    [{ concurrency: "one" }, 'metadata.replicas "each" cannot be kept beside concurrency "one"'],
    [{ orderBy: { wildcard: 0 } }, 'metadata.replicas "each" cannot be kept beside orderBy over all replicas'],
    [{ debounce: { wait: "1s" } }, 'metadata.replicas "each" cannot be kept beside debounce'],
    [{ throttle: { every: "1s" } }, 'metadata.replicas "each" cannot be kept beside throttle'],
    [{ subject: "a", schedule: "@hourly" }, 'metadata.replicas "each" cannot be kept beside schedule'],
    [{ canary: 10 }, 'metadata.replicas "each" cannot be kept beside canary'],
    [{ replicas: "share", from: "last" }, 'metadata.from "last" is for durable handlers with replicas "each"'],
    [{ kind: "request" }, 'metadata.replicas can be "each" for handlers of kind "event" or "durable" only'],
  ])("refuses %j", (raw, why) => {
    expect(refused({ ...each, ...raw }).message).toContain(why);
  });
});

test("a singleton is durable", () => {
  expect(resolved({ subject: "a", kind: "durable", singleton: true }).singleton).toBe(true);
  expect(refused({ subject: "a", singleton: true }).message).toContain(
    'metadata.singleton is for handlers of kind "durable" only; this one is "event"',
  );
});

describe("debounce and throttle", () => {
  const durable = { subject: "a.*", kind: "durable" };
  const debounce = { wait: "5s" };
  const throttle = { every: "1m" };

  test("are of all messages together unless they have a key", () => {
    expect(resolved({ ...durable, debounce }).debounce).toEqual({ waitMs: 5_000 });
    const rule = { wait: "5s", max: "1m", key: { wildcard: 0 } };
    expect(resolved({ ...durable, debounce: rule }).debounce).toEqual({
      waitMs: 5_000,
      maxMs: 60_000,
      key: { wildcard: 0 },
    });
    expect(resolved({ ...durable, throttle }).throttle).toEqual({ everyMs: 60_000 });
    expect("debounce" in resolved(durable) || "throttle" in resolved(durable)).toBe(false);
  });

  test.each([
    [{ kind: "event", debounce }, 'metadata.debounce is for handlers of kind "durable" only; this one is "event"'],
    [{ kind: "request", throttle }, 'metadata.throttle is for handlers of kind "durable" only; this one is "request"'],
    [{ debounce, throttle }, "metadata.debounce cannot be kept beside throttle"],
    [{ debounce, when: { $function: true } }, "metadata.debounce cannot be kept beside when"],
    [{ throttle, when: { $function: true } }, "metadata.throttle cannot be kept beside when"],
    [{ debounce, orderBy: { $function: true } }, "metadata.debounce cannot be kept beside orderBy"],
    [{ debounce, orderBy: { wildcard: 0 } }, "metadata.debounce cannot be kept beside orderBy"],
    [{ debounce, concurrency: "one" }, 'metadata.debounce cannot be kept beside concurrency "one"'],
    [{ subject: "a", debounce, schedule: "@hourly" }, "metadata.debounce cannot be kept beside schedule"],
    [{ debounce: "5s" }, "metadata.debounce must be an object such as { wait"],
    [{ debounce: {} }, "metadata.debounce.wait is missing"],
    [{ debounce: { wait: "2d" } }, 'metadata.debounce.wait must be from "1ms" to "1d"'],
    [{ debounce: { wait: "5s", max: "1s" } }, "metadata.debounce.max must not be less than wait"],
    [{ debounce: { wait: "5s", maxx: "1s" } }, 'metadata.debounce.maxx is not an option. Did you mean "max"?'],
    [{ debounce: { wait: "5s", key: { wildcard: 1 } } }, "metadata.debounce.key must name a wildcard of the subject"],
    [{ throttle: {} }, "metadata.throttle.every is missing"],
    [{ throttle: { every: "8d" } }, 'metadata.throttle.every must be from "1ms" to "7d"'],
    [{ throttle: { every: "1m", key: { $function: true } } }, "metadata.throttle.key must be one of"],
  ])("refuses %j", (raw, why) => {
    expect(refused({ ...durable, ...raw }).message).toContain(why);
  });
});

/** As it crosses from the worker. */
const overTheWire = (metadata: unknown) => JSON.parse(JSON.stringify(describeMetadata(metadata)));

test("a codec is anything that decodes, a library's object included", () => {
  class Packr {
    readonly structures = new Map([[1, 2n]]);
    decode(bytes: Uint8Array) {
      return bytes.length;
    }
    encode() {
      return new Uint8Array(1);
    }
  }
  for (const payload of [new Packr(), { decode: () => 1 }, { contentType: "application/x-protobuf", decode: () => 1 }])
    expect(resolved(overTheWire({ subject: "a.b", payload })).payload).toBe("codec");
});

test.each([
  ["JSON", 'metadata.payload must be "json", "bytes", or a codec with a function `decode(bytes)`; received "JSON"'],
  [{ encode: () => 1 }, /must be "json", "bytes", or a codec/],
  [{ decode: Number, encode: "base64" }, 'must have a function as its encode; received "base64"'],
  [{ decode: Number, contentType: "protobuf" }, /must have a media type .* received "protobuf"/],
])("a payload format that is none is refused: %o", (payload, says) => {
  expect(refused(overTheWire({ subject: "a.b", payload })).message).toMatch(says);
});

test.each([
  [4n, "4n"],
  [Number.NaN, "NaN"],
  [[1, Number.POSITIVE_INFINITY, 4n], "[1,Infinity,4n]"],
  [{ a: Symbol("s") }, '{"a":Symbol(s)}'],
  [() => 1, "a function"],
])("a refusal quotes what stood in the source: %o", (concurrency, quoted) => {
  expect(refused(overTheWire({ subject: "a.b", concurrency })).message).toMatch(`; received ${quoted}`);
});

test("one backoff stands for a list of one, and a partial retry keeps the other default", () => {
  expect(resolved({ subject: "a.b", kind: "durable", retry: { backoff: "3s" } }).retry).toEqual({
    attempts: 5,
    backoffMs: [3_000],
  });
});

test("a default of more workers gives way to `exclusive`", () => {
  const metadata = resolved({ subject: "a.b", exclusive: true }, { ...DEFAULTS, workers: 4 });
  expect([metadata.exclusive, metadata.workers]).toEqual([true, 1]);
});

test("a default of more kept workers gives way to fewer workers", () => {
  expect(resolved({ subject: "a.b", workers: 1 }, { ...DEFAULTS, workers: 4, minWorkers: 4 }).minWorkers).toBe(1);
});

describe("a single problem is one sentence with the value received", () => {
  test.each([
    [{}, "metadata.subject is missing"],
    [
      { subject: "a..b" },
      'metadata.subject must not have an empty token (a dot at an end, or two together); received "a..b"',
    ],
    [{ subject: 4 }, "metadata.subject must be a NATS subject"],
    [{ subject: [] }, "metadata.subject must list 1 to 100 subjects; received 0"],
    [{ subject: ["a.b", "a..b"] }, 'received "a..b" (entry 2)'],
    [{ subject: ["a.b", "c", "a.b"] }, 'metadata.subject lists "a.b" twice: what fits both would be handled twice'],
    [{ subject: ["a.*", "a.b.c", "*.b"] }, 'metadata.subject lists "a.*" and "*.b", which overlap'],
    [
      { subject: ["a.b", "c.d"], kind: "durable", schedule: "@hourly" },
      "metadata.schedule needs one subject, to which its messages are published; received 2",
    ],
    [
      { subject: "a.b", kind: "durabel" },
      'must be "event", "durable" or "request"; received "durabel". Did you mean "durable"?',
    ],
    [{ subject: "a.b", concurency: 4 }, 'metadata.concurency is not an option. Did you mean "concurrency"?'],
    [{ subject: "a.b", colour: 4 }, "metadata.colour is not an option. There are: subject, kind,"],
    [{ subject: "a.b", concurrency: 0 }, "metadata.concurrency must be a whole number from 1 to 10,000; received 0"],
    [{ subject: "a.b", concurrency: "8" }, 'must be a whole number, or "one"; received "8"'],
    [
      { subject: "a.b", kind: "durable", from: "yesterday" },
      'metadata.from must be "all", "new", "last", or a time with its zone such as "2030-01-31T18:30:00Z"; received "yesterday"',
    ],
    [{ subject: "a.b", kind: "durable", from: "2030-01-31T18:30" }, 'received "2030-01-31T18:30"'],
    [{ subject: "a.b", from: "new" }, 'metadata.from is for handlers of kind "durable" only'],
    [{ subject: "a.b", rate: "0/s" }, "metadata.rate must be so many in a second, a minute or an hour"],
    [{ subject: "a.b", rate: "10001/s" }, 'at most "10000/s"; received "10001/s"'],
    [{ subject: "a.b", rate: 5 }, "such as"],
    [{ subject: "a.b", rate: {} }, "metadata.rate.limit is missing: say how many may begin"],
    [{ subject: "a.b", rate: { limit: "5/d" } }, "metadata.rate.limit must be so many in a second"],
    [{ subject: "a.b", rate: { limit: "5/s", per: "app" } }, 'metadata.rate.per must be "replica" or "fleet"'],
    [{ subject: "a.b", rate: { limit: "5/s", by: "key" } }, "metadata.rate.by is not an option"],
    [{ subject: "a.b", rate: { limit: "5/s", key: { wildcard: 0 } } }, '"a.b" has 0, received 0'],
    [
      { subject: "a.b", kind: "durable", concurrency: "one", rate: { limit: "5/s", key: { header: "t" } } },
      'metadata.rate.key cannot be kept beside concurrency "one": messages pass those of another key that wait',
    ],
    [{ subject: "a.b", fairBy: { concurrency: 2 } }, "metadata.fairBy.key is missing: say whose turn it is"],
    [{ subject: "a.b", fairBy: { key: { $function: true } } }, "metadata.fairBy.key must be one of"],
    [{ subject: "a.b", fairBy: { key: { header: "t" }, concurrency: 0 } }, "must be a whole number from 1 to 10,000"],
    [
      { subject: "a.b", kind: "request", fairBy: { key: { header: "t" } } },
      'metadata.fairBy is for handlers of kind "event" or "durable"',
    ],
    [
      { subject: "a.b", batch: { size: 2 }, fairBy: { key: { header: "t" } } },
      "metadata.fairBy cannot be kept beside batch",
    ],
    [
      { subject: "a.b", rate: { limit: "5/s", key: { header: "u" } }, fairBy: { key: { header: "t" } } },
      "metadata.fairBy must have the key of `rate`",
    ],
    [
      { subject: "a.b", kind: "durable", orderBy: { $function: true }, fairBy: { key: { header: "t" } } },
      "metadata.fairBy.key cannot be kept beside orderBy",
    ],
    [{ subject: "a.b", kind: "request", rate: "5/s" }, 'metadata.rate is for handlers of kind "event" or "durable"'],
    [{ subject: "a.b", replicas: "all" }, 'metadata.replicas must be "share" or "each"; received "all"'],
    [
      { subject: "a.b", kind: "request", replicas: "each" },
      'metadata.replicas can be "each" for handlers of kind "event" or "durable" only; this one is "request"',
    ],
    [{ subject: "a.b", concurrency: "one" }, 'metadata.concurrency can be "one" for handlers of kind "durable" only'],
    [
      { subject: ["a.b", "c.d"], kind: "durable", concurrency: "one" },
      'metadata.concurrency can be "one" for one subject only: each has a consumer of its own',
    ],
    [
      { subject: "a.b", kind: "durable", concurrency: "one", workers: 2 },
      'metadata.concurrency "one" needs one worker, and workers is 2',
    ],
    [{ subject: "a.b", concurrency: null }, "received null"],
    [
      { subject: "a.b", timeout: "10 sec" },
      'metadata.timeout must be a duration such as "500ms", "10s", "5m", "1h" or "7d"; received "10 sec"',
    ],
    [{ subject: "a.b", timeout: "0s" }, 'must be from "1ms" to "24d"; received "0s"'],
    [{ subject: "a.b", timeout: "never" }, 'received "never"'],
    [{ subject: "a.b", timeout: 1000 }, "received 1000"],
    [{ subject: "a.b", idle: "ever" }, 'must be a duration such as "5m", or "never"; received "ever"'],
    [{ subject: "a.b", memory: "1MB" }, 'metadata.memory must be at least "16MB"; received "1MB"'],
    [{ subject: "a.b", env: ["OK", "NO-GOOD"] }, 'received "NO-GOOD" (entry 2)'],
    [{ subject: "a.b", env: "HOME" }, "must be a list of names"],
    [
      { subject: "a.b", env: ["NATS_PASSWORD"] },
      "metadata.env must not name what the runtime logs in to NATS with, NATS_*",
    ],
    [{ subject: "a.b", publishes: "a.c" }, "must be a list of events or subjects"],
    [{ subject: "a.b", publishes: ["a.c", { subject: "$JS.API" }] }, 'received "$JS.API" (entry 2)'],
    [{ subject: "a.b", publishes: [null] }, "must be a NATS subject"],
    [{ subject: "a.b", schema: { type: "object" } }, "metadata.schema must be a Standard Schema"],
    [{ subject: "a.b", schema: { $function: true } }, "received a function"],
    [{ subject: "a.b", kind: "durable", orderBy: "id" }, "metadata.orderBy must be a function"],
    [{ subject: "a.b", kind: "durable", retry: 3 }, "metadata.retry must be an object"],
    [
      { subject: "a.b", kind: "durable", retry: { atempts: 3 } },
      'metadata.retry.atempts is not an option. Did you mean "attempts"?',
    ],
    [{ subject: "a.b", kind: "durable", retry: { backoff: [] } }, "metadata.retry.backoff must be a duration"],
    [
      { subject: "a.b", retry: { attempts: 3 } },
      'metadata.retry is for handlers of kind "durable" only; this one is "event"',
    ],
    [{ subject: "a.b", minWorkers: 2 }, "metadata.minWorkers must not be more than workers, which is 1; received 2"],
    [
      { subject: "a.b", exclusive: true, workers: 2 },
      "metadata.exclusive means one process at a time, and workers is 2",
    ],
    [{ subject: "a.b", disabled: "yes" }, "must be true or false"],
    [{ subject: "a.b", description: "long ".repeat(300) }, "at most 1,000 characters"],
    [[], "metadata must be an object"],
    ["todo.new", 'metadata must be an object such as { subject: "orders.created" }; received "todo.new"'],
    [{ $function: true }, "received a function"],
  ])("%j", (raw, message) => {
    const error = refused(raw);
    expect(error).toMatchObject({ code: "METADATA_INVALID", handler: "todo/save", place: { file: WHERE.file } });
    expect(error.message).toContain('handler "todo/save": metadata');
    expect(error.message).toContain(message);
    expect(error.message).not.toContain("problems");
  });
});

test("no metadata at all says what to write", () => {
  expect(refused(undefined).message).toBe('handler "todo/save" exports no metadata');
  expect(refused(null).remedy).toContain("export const metadata");
});

test("all problems are told at once, each with its line", () => {
  const source = `import { z } from "zod";
export const metadata = {
  subject: "todo new",
  kind: "durable",
  timeout: 10,
  retry: { attempts: 0 },
};
`;
  const error = refused({ subject: "todo new", kind: "durable", timeout: 10, retry: { attempts: 0 } }, source);
  expect(
    describeError(error),
  ).toBe(`METADATA_INVALID: handler "todo/save": metadata has 3 problems (handlers/todo/save.ts):
  handlers/todo/save.ts:3:3: metadata.subject must have no spaces, control characters or non-ASCII characters; received "todo new"
  handlers/todo/save.ts:5:3: metadata.timeout must be a duration such as "500ms", "10s", "5m", "1h" or "7d"; received 10
  handlers/todo/save.ts:6:12: metadata.retry.attempts must be a whole number from 1 to 1,000; received 0`);
});

test("a wrong kind does not make the durable options wrong too", () => {
  expect(refused({ subject: "a.b", kind: "durible", retry: { attempts: 2 } }).message).not.toContain("metadata.retry");
});

test("one problem is placed at its line", () => {
  const source = `export const metadata = {\n  subject: "a.b",\n  memory: "lots",\n};\n`;
  expect(refused({ subject: "a.b", memory: "lots" }, source).place).toEqual({ file: WHERE.file, line: 3, column: 3 });
});
