// What must compile for authors, and what must not.

import {
  type BatchContext,
  type ChangeContext,
  type Duration,
  defineConfig,
  defineEvent,
  defineHandler,
  defineRequest,
  GiveUp,
  type HandlerContext,
  type HandlerMetadata,
  type ObjectAbout,
  type RequestOptions,
  RetryLater,
  type Setup,
} from "nats-handlers";
import type { Client, Stored } from "nats-handlers/client";
import { describe, expectTypeOf, test } from "vitest";
import { z } from "zod";

const newItem = defineEvent("todo.newitem", z.object({ id: z.uuid(), item: z.string().min(1).max(200) }));
const itemSaved = defineEvent("todo.itemsaved", z.object({ id: z.uuid() }));
const counted = defineEvent(
  "todo.counted",
  z.object({ count: z.coerce.number<string>(), unit: z.string().default("item") }),
);
const anyItem = defineEvent("todo.*", z.object({ id: z.uuid() }));
const everything = defineEvent("todo.>", z.unknown());

declare const ctx: HandlerContext;
declare const client: Client;

const price = defineRequest(
  "shop.price",
  z.object({ item: z.string() }),
  z.object({ cents: z.coerce.number<string>() }),
);

describe("a request with a schema of its reply", () => {
  test("gives its requester the output, and takes the input of its handler", () => {
    expectTypeOf(ctx.request(price, { item: "pear" })).resolves.toEqualTypeOf<{ cents: number }>();
    // @ts-expect-error: no such field
    ctx.request(price, { itme: "pear" });
    const metadata = { ...price, kind: "request" } satisfies HandlerMetadata;
    defineHandler(metadata, async ({ item }) => ({ cents: String(item.length) }));
    defineHandler(metadata, async function* ({ item }) {
      yield { cents: item };
    });
    // @ts-expect-error: the reply is wrong
    defineHandler(metadata, ({ item }) => ({ cents: item.length }));
    // @ts-expect-error: there is none
    defineHandler(metadata, () => undefined);
  });

  test("is as typed for an application", () => {
    expectTypeOf(client.request(price, { item: "pear" })).resolves.toEqualTypeOf<{ cents: number }>();
    expectTypeOf(client.publish(newItem, { id: "", item: "" })).resolves.toEqualTypeOf<Stored | undefined>();
    // @ts-expect-error: no such field
    client.request(price, { itme: "pear" });
    // @ts-expect-error: a field is missing
    client.publish(newItem, { id: "" });
    // @ts-expect-error: it has wildcards
    client.publish(anyItem, { id: "" });
    // @ts-expect-error: no such option
    client.publish(newItem, { id: "", item: "" }, { delya: "1s" });
    client.publish(newItem, { id: "", item: "" }, { delay: "1s" });
    // @ts-expect-error one or the other
    client.publish(newItem, { id: "", item: "" }, { delay: "1s", at: new Date() });
    client.publish(newItem, { id: "", item: "" }, { ttl: "1m" });
    // @ts-expect-error one or the other
    client.publish(newItem, { id: "", item: "" }, { ttl: "1m", at: new Date() });
  });
});

describe("a handler", () => {
  test("the sample of the design compiles, and its payload is the schema's output", () => {
    const metadata = {
      ...newItem,
      kind: "durable",
      concurrency: 8,
      timeout: "10s",
      retry: { attempts: 5, backoff: ["1s", "5s", "30s"] },
    } satisfies HandlerMetadata;
    const handler = defineHandler(metadata, async (todo, context) => {
      expectTypeOf(todo).toEqualTypeOf<{ id: string; item: string }>();
      expectTypeOf(context).toEqualTypeOf<HandlerContext>();
      if (todo.item === "later") throw new RetryLater("30s");
      if (todo.item === "never") throw new GiveUp("card expired");
      await context.publish(itemSaved, { id: todo.id });
    });
    expectTypeOf(handler).returns.resolves.toEqualTypeOf<void>();
  });

  test("a schedule is made with the data of its event, by a pattern or an interval", () => {
    defineHandler({ ...newItem }, async (todo, context) => {
      expectTypeOf(context.schedule("a", itemSaved, { id: todo.id }, "@daily")).resolves.toEqualTypeOf<void>();
      context.schedule("a", "any.subject", 7, { cron: "@daily", timeZone: "UTC", missed: "all", headers: { a: "b" } });
      context.schedule("a", itemSaved, { id: "" }, { every: "5m" });
      // @ts-expect-error: not the event's data
      context.schedule("a", itemSaved, { no: "" }, "@daily");
      // @ts-expect-error: nobody can publish to a pattern
      context.schedule("a", "any.*", {}, "@daily");
      // @ts-expect-error: one of the two
      context.schedule("a", "any.subject", {}, { cron: "@daily", every: "5m" });
      // @ts-expect-error: no such option
      context.schedule("a", "any.subject", {}, { cron: "@daily", delay: "5m" });
      expectTypeOf(context.unschedule("a")).resolves.toEqualTypeOf<boolean>();
    });
  });

  test("a payload after transforms and defaults is the schema's output", () => {
    defineHandler({ ...counted }, (event) => {
      expectTypeOf(event).toEqualTypeOf<{ count: number; unit: string }>();
    });
  });

  test("a payload without a schema is unknown", () => {
    defineHandler({ subject: "todo.>" }, (event, context) => {
      expectTypeOf(event).toBeUnknown();
      context.log.info({ event }, `saw ${context.subject}`);
    });
  });

  test("a payload is bytes, or what the codec decodes, where its format says so", () => {
    defineHandler({ subject: "a.b", payload: "bytes" }, (event) => {
      expectTypeOf(event).toEqualTypeOf<Uint8Array>();
    });
    const metadata = {
      subject: "a.b",
      kind: "request",
      payload: {
        contentType: "application/x-protobuf",
        decode: (bytes: Uint8Array) => ({ size: bytes.length }),
        encode: (reply: { ok: boolean }) => Uint8Array.of(Number(reply.ok)),
      },
    } satisfies HandlerMetadata;
    defineHandler(metadata, (event) => {
      expectTypeOf(event).toEqualTypeOf<{ size: number }>();
      return { ok: true };
    });
    defineHandler({ subject: "a.b", payload: "json" }, (event) => expectTypeOf(event).toBeUnknown());
    defineHandler({ ...newItem, payload: "bytes" }, (event) => {
      expectTypeOf(event).toEqualTypeOf<{ id: string; item: string }>();
    });
  });

  test("with `batch` it is given an array of contents, and the context of a batch", () => {
    const metadata = { ...newItem, kind: "durable", batch: { size: 100, wait: "200ms" } } satisfies HandlerMetadata;
    defineHandler(metadata, async (todos, context) => {
      expectTypeOf(todos).toEqualTypeOf<{ id: string; item: string }[]>();
      expectTypeOf(context).toEqualTypeOf<BatchContext>();
      expectTypeOf(context.messages).toEqualTypeOf<readonly HandlerContext[]>();
      context.fail(0, new RetryLater("30s"));
      // @ts-expect-error: a message is failed by its place
      context.fail("0", new Error());
      // @ts-expect-error: there is no one message to publish for
      context.publish(itemSaved, { id: "" });
    });
    defineHandler({ subject: "a.b", batch: { size: 10 } }, (events) => expectTypeOf(events).toEqualTypeOf<unknown[]>());
  });

  test("a handler of keys is given a value or nothing, and what has become of the key", () => {
    const profile = z.object({ name: z.string() });
    const metadata = { kind: "durable", kv: "users", subject: "profile.*", schema: profile } satisfies HandlerMetadata;
    defineHandler(metadata, (value, context) => {
      expectTypeOf(value).toEqualTypeOf<{ name: string } | undefined>();
      expectTypeOf(context).toEqualTypeOf<ChangeContext>();
      expectTypeOf(context.operation).toEqualTypeOf<"put" | "delete" | "purge">();
      // @ts-expect-error: it may be gone
      void value.name;
    });
    defineHandler({ kind: "durable", kv: "users", subject: ">", payload: "bytes" }, (value) => {
      expectTypeOf(value).toEqualTypeOf<Uint8Array | undefined>();
    });
    const batch = { size: 10 };
    defineHandler({ ...metadata, batch }, (values, context) => {
      expectTypeOf(values).toEqualTypeOf<({ name: string } | undefined)[]>();
      expectTypeOf(context).toEqualTypeOf<BatchContext<ChangeContext>>();
    });
    const filtered = {
      kind: "durable",
      kv: "users",
      subject: ">",
      when: (_, { key, operation }) => key !== "a" && operation === "put",
      orderBy: (_, { subject }) => subject,
    } satisfies HandlerMetadata;
    expectTypeOf(filtered.kv).toBeString();
  });

  test("a handler of objects is given what the store says of each", () => {
    const metadata = { kind: "durable", objects: "photos" } satisfies HandlerMetadata;
    defineHandler(metadata, (about, { key }) => {
      expectTypeOf(about).toEqualTypeOf<ObjectAbout | undefined>();
      expectTypeOf(key).toBeString();
    });
  });

  test("what changes of buckets do not go with is refused", () => {
    // @ts-expect-error: changes are durable
    void ({ kv: "users", subject: ">" } satisfies HandlerMetadata);
    // @ts-expect-error: changes are durable
    void ({ kind: "event", kv: "users", subject: ">" } satisfies HandlerMetadata);
    // @ts-expect-error: which keys?
    void ({ kind: "durable", kv: "users" } satisfies HandlerMetadata);
    // @ts-expect-error: names of objects are encoded
    void ({ kind: "durable", objects: "photos", subject: "a.*" } satisfies HandlerMetadata);
    // @ts-expect-error: one bucket
    void ({ kind: "durable", objects: "photos", kv: "users", subject: ">" } satisfies HandlerMetadata);
    // @ts-expect-error: the bucket says which stream
    defineHandler({ kind: "durable", kv: "users", subject: ">", stream: "KV_users" }, () => undefined);
    // @ts-expect-error: it would be a change of the bucket
    defineHandler({ kind: "durable", kv: "users", subject: "a", schedule: "@hourly" }, () => undefined);
    // @ts-expect-error: no packet of Nest
    defineHandler({ kind: "durable", kv: "users", subject: "a", envelope: "nest" }, () => undefined);
    // @ts-expect-error: what is told of an object is JSON
    defineHandler({ kind: "durable", objects: "photos", payload: "bytes" }, () => undefined);
    // @ts-expect-error: messages have no key
    defineHandler({ subject: "a.b" }, (_, { key }) => key);
  });

  test("a rate and keys that take turns are said as data", () => {
    const key = { header: "tenant" } as const;
    defineHandler({ subject: "a.b", rate: "5/s" }, () => undefined);
    defineHandler({ subject: "a.b", rate: { limit: "5/s", per: "fleet", key }, fairBy: { key } }, () => undefined);
    defineHandler({ subject: "a.b", fairBy: { key, concurrency: 2 } }, () => undefined);
    // @ts-expect-error: how many?
    defineHandler({ subject: "a.b", rate: { per: "fleet" } }, () => undefined);
    // @ts-expect-error: no place
    defineHandler({ subject: "a.b", rate: { limit: "5/s", per: "worker" } }, () => undefined);
    // @ts-expect-error: whose turn is it?
    defineHandler({ subject: "a.b", fairBy: { concurrency: 2 } }, () => undefined);
    // @ts-expect-error: a key is said as data, as the runtime reads it
    defineHandler({ subject: "a.b", fairBy: { key: () => "" } }, () => undefined);
  });

  test("what batches do not go with is refused", () => {
    const batch = { size: 10 } as const;
    // @ts-expect-error: a request has a reply of its own
    defineHandler({ subject: "a.b", kind: "request", batch }, () => undefined);
    // @ts-expect-error: one message at a time
    defineHandler({ subject: "a.b", kind: "durable", concurrency: "one", batch }, () => undefined);
    // @ts-expect-error: a batch has several of a key
    defineHandler({ subject: "a.b", kind: "durable", orderBy: () => "", batch }, () => undefined);
    // @ts-expect-error: a planned run waits for nobody
    defineHandler({ subject: "a.b", schedule: "@hourly", batch }, () => undefined);
    // @ts-expect-error: how many?
    defineHandler({ subject: "a.b", batch: { wait: "1s" } }, () => undefined);
    // @ts-expect-error: no duration
    defineHandler({ subject: "a.b", batch: { size: 1, wait: 5 } }, () => undefined);
    defineHandler({ subject: "a.*", batch: { size: 1, key: { wildcard: 0 } } }, () => undefined);
    // @ts-expect-error: a key is said as data, as the runtime reads it
    defineHandler({ subject: "a.b", batch: { size: 1, key: () => "" } }, () => undefined);
  });

  test("what singletons and handlers of each replica do not go with is refused", () => {
    const each = { subject: "a.b", kind: "durable", replicas: "each" } as const;
    defineHandler({ ...each, from: "last" }, () => undefined);
    defineHandler({ subject: "a.b", kind: "durable", singleton: true }, () => undefined);
    // @ts-expect-error: one, or each?
    defineHandler({ ...each, singleton: true }, () => undefined);
    // @ts-expect-error: it runs once for all replicas
    defineHandler({ ...each, debounce: { wait: "1s" } }, () => undefined);
    // @ts-expect-error: who stands by would miss events
    defineHandler({ subject: "a.b", kind: "event", singleton: true }, () => undefined);
  });

  test("what outputs that are stored as one do not go with is refused", () => {
    const atomic = { subject: "a.b", outputs: "atomic" } as const;
    defineHandler({ ...atomic, kind: "durable" }, () => undefined);
    // @ts-expect-error: none of its messages comes again
    defineHandler({ ...atomic, kind: "event" }, () => undefined);
    // @ts-expect-error: each message of a batch has outputs of its own
    defineHandler({ ...atomic, kind: "durable", batch: { size: 10 } }, () => undefined);
    // @ts-expect-error: only those of one replica would be stored
    defineHandler({ ...atomic, kind: "durable", replicas: "each" }, () => undefined);
    // @ts-expect-error: one of the two
    defineHandler({ subject: "a.b", kind: "durable", outputs: "some" }, () => undefined);
  });

  test("what debounce and throttle do not go with is refused", () => {
    const [debounce, throttle] = [{ wait: "5s" } as const, { every: "1m" } as const];
    defineHandler(
      { subject: "a.*", kind: "durable", debounce: { ...debounce, key: { wildcard: 0 } } },
      () => undefined,
    );
    defineHandler({ subject: "a.b", kind: "durable", throttle }, () => undefined);
    // @ts-expect-error: an event does not wait
    defineHandler({ subject: "a.b", kind: "event", debounce }, () => undefined);
    // @ts-expect-error: the first or the last?
    defineHandler({ subject: "a.b", kind: "durable", debounce, throttle }, () => undefined);
    // @ts-expect-error: one that is let pass would stand for one that is not
    defineHandler({ subject: "a.b", kind: "durable", throttle, when: () => true }, () => undefined);
    // @ts-expect-error: for how long?
    defineHandler({ subject: "a.b", kind: "durable", debounce: { max: "1m" } }, () => undefined);
  });

  test("an event with wildcards can be handled", () => {
    defineHandler({ ...anyItem } satisfies HandlerMetadata, (event) => {
      expectTypeOf(event).toEqualTypeOf<{ id: string }>();
    });
  });

  test("a request handler may return a value or be an async generator", () => {
    const one = defineHandler({ subject: "todo.list", kind: "request" }, () => [1, 2]);
    expectTypeOf(one).returns.toEqualTypeOf<number[]>();
    const many = defineHandler({ subject: "todo.list", kind: "request" }, async function* () {
      yield 1;
    });
    expectTypeOf(many).returns.toExtend<AsyncIterable<number>>();
  });

  test("setup is given the handler's name, a signal and a log", () => {
    const setup: Setup = async ({ handler, signal, log }) => {
      expectTypeOf(handler).toBeString();
      expectTypeOf(signal).toEqualTypeOf<AbortSignal>();
      log.debug("opening");
    };
    expectTypeOf(setup).toBeFunction();
  });
});

describe("metadata", () => {
  test("an unknown option does not compile", () => {
    // @ts-expect-error: the option is called concurrency
    void ({ subject: "a.b", concurency: 4 } satisfies HandlerMetadata);
  });

  test("an unknown option does not compile in defineHandler without satisfies", () => {
    const metadata = { subject: "a.b", concurency: 4 };
    // @ts-expect-error: the option is called concurrency
    defineHandler(metadata, () => {});
  });

  test("a missing subject does not compile", () => {
    // @ts-expect-error: subject is required
    void ({ concurrency: 4 } satisfies HandlerMetadata);
  });

  test("a wrong kind does not compile", () => {
    // @ts-expect-error: there is no kind "queue"
    void ({ subject: "a.b", kind: "queue" } satisfies HandlerMetadata);
  });

  test("a wrong payload format does not compile", () => {
    // @ts-expect-error: there is no format "protobuf"
    void ({ subject: "a.b", payload: "protobuf" } satisfies HandlerMetadata);
    // @ts-expect-error: a codec decodes
    void ({ subject: "a.b", payload: { encode: () => new Uint8Array() } } satisfies HandlerMetadata);
  });

  test("a wrong duration does not compile", () => {
    // @ts-expect-error: no such unit
    void ({ subject: "a.b", timeout: "10 seconds" } satisfies HandlerMetadata);
    // @ts-expect-error: a number has no unit
    void ({ subject: "a.b", timeout: 1000 } satisfies HandlerMetadata);
    // @ts-expect-error: one wrong among right ones
    void ({ subject: "a.b", retry: { backoff: ["1s", "5"] } } satisfies HandlerMetadata);
    // @ts-expect-error: no unit
    const unitless: Duration = "10";
    // @ts-expect-error: no unit
    void new RetryLater(unitless === "10" ? "10" : "soon");
  });

  test("a wrong size does not compile", () => {
    // @ts-expect-error: no such unit
    void ({ subject: "a.b", memory: "256 megabytes" } satisfies HandlerMetadata);
  });

  test("when takes content that is not checked yet, and says yes or no", () => {
    const metadata = {
      ...newItem,
      when: (event: { readonly type?: string }, { headers }) => event.type === "new" && headers.has("x-tenant"),
    } satisfies HandlerMetadata<typeof newItem>;
    defineHandler(metadata, (todo) => void todo.item);
    // @ts-expect-error: nothing is known of it
    void ({ subject: "a.b", when: (event) => event.type === "new" } satisfies HandlerMetadata);
    // @ts-expect-error: it must give true or false at once
    void ({ subject: "a.b", when: async () => true } satisfies HandlerMetadata);
  });

  test("a request in packets of Nest has no other payload", () => {
    void ({ envelope: "nest", timeout: "1s" } satisfies RequestOptions);
    // @ts-expect-error: packets are JSON
    void ({ envelope: "nest", payload: "bytes" } satisfies RequestOptions);
  });

  test("orderBy takes the event's payload", () => {
    const metadata = {
      ...newItem,
      kind: "durable",
      orderBy: (event) => event.id,
    } satisfies HandlerMetadata<typeof newItem>;
    defineHandler(metadata, (todo) => void todo.item);
    void ({ subject: "a.b", orderBy: (event: { key: string }) => event.key } satisfies HandlerMetadata);
    void ({ subject: "a.*", kind: "durable", orderBy: { wildcard: 0, partitions: 4 } } satisfies HandlerMetadata);
    void ({ subject: "a.b", kind: "durable", orderBy: { header: "tenant" } } satisfies HandlerMetadata);
    void ({
      subject: "a.b",
      kind: "durable",
      orderBy: { field: "tenant.id", partitions: 4 },
    } satisfies HandlerMetadata);
    // @ts-expect-error: which wildcard has the key
    void ({ subject: "a.*", kind: "durable", orderBy: { partitions: 4 } } satisfies HandlerMetadata);
    // @ts-expect-error: the key must be a string
    void ({ ...newItem, orderBy: (event) => event.item.length } satisfies HandlerMetadata<typeof newItem>);
  });
});

describe("publish", () => {
  test("takes the event's input", () => {
    expectTypeOf(ctx.publish(itemSaved, { id: "1" })).resolves.toEqualTypeOf<void>();
    void ctx.publish(counted, { count: "4" }, { headers: { a: "b", c: ["d", "e"] }, timeout: "1s" });
  });

  test("takes any data for a bare subject", () => {
    void ctx.publish("some.subject", { anything: [1] });
    void ctx.publish(`order.${ctx.id}.done`, new Uint8Array());
    void ctx.publish(ctx.subject, "text");
  });

  test("a wrong shape does not compile", () => {
    // @ts-expect-error: id is a string
    void ctx.publish(itemSaved, { id: 1 });
    // @ts-expect-error: id is missing
    void ctx.publish(itemSaved, {});
    // @ts-expect-error: the output's type is not the input's
    void ctx.publish(counted, { count: 4 });
    // @ts-expect-error: data is missing
    void ctx.publish(itemSaved);
  });

  test("a subject with wildcards does not compile", () => {
    // @ts-expect-error: wildcards
    void ctx.publish(anyItem, { id: "1" });
    // @ts-expect-error: wildcards
    void ctx.publish(everything, 1);
    // @ts-expect-error: wildcards
    void ctx.publish("todo.*", {});
    // @ts-expect-error: wildcards
    void ctx.publish("todo.*.done", {});
    // @ts-expect-error: wildcards
    void ctx.publish("*.done", {});
    // @ts-expect-error: wildcards
    void ctx.publish("todo.>", {});
  });

  test("an unknown option does not compile", () => {
    // @ts-expect-error: the option is called headers
    void ctx.publish("a.b", {}, { header: {} });
    // @ts-expect-error: a request leaves at once
    void ctx.request("a.b", {}, { delay: "1s" });
  });

  test("later is a length of time or a Date, and one of them", () => {
    void ctx.publish("a.b", {}, { delay: "10m", headers: { a: "b" } });
    void ctx.publish(itemSaved, { id: "1" }, { at: new Date() });
    // @ts-expect-error: both
    void ctx.publish("a.b", {}, { delay: "10m", at: new Date() });
    // @ts-expect-error: no unit
    void ctx.publish("a.b", {}, { delay: 600_000 });
    // @ts-expect-error: no Date
    void ctx.publish("a.b", {}, { at: "2030-01-01" });
  });

  test("what its stream keeps for a while only leaves at once", () => {
    void ctx.publish("a.b", {}, { ttl: "10m", timeout: "1s" });
    // @ts-expect-error: both
    void ctx.publish("a.b", {}, { ttl: "10m", delay: "1s" });
    // @ts-expect-error: both
    void ctx.publish("a.b", {}, { ttl: "10m", at: new Date() });
    // @ts-expect-error: no unit
    void ctx.publish("a.b", {}, { ttl: 60 });
  });
});

describe("request", () => {
  test("the reply's type is the caller's claim, else unknown", () => {
    expectTypeOf(ctx.request("todo.list")).resolves.toBeUnknown();
    expectTypeOf(ctx.request<string[]>("todo.list", {})).resolves.toEqualTypeOf<string[]>();
    expectTypeOf(ctx.request<Uint8Array>("a.picture", 1, { payload: "bytes" })).resolves.toEqualTypeOf<Uint8Array>();
    expectTypeOf(ctx.request(newItem, { id: "1", item: "x" })).resolves.toBeUnknown();
  });

  test("a wrong shape, or an event with wildcards, does not compile", () => {
    // @ts-expect-error: item is missing
    void ctx.request(newItem, { id: "1" });
    // @ts-expect-error: wildcards
    void ctx.request(anyItem, { id: "1" });
  });
});

describe("the configuration", () => {
  test("the sample of the design compiles", () => {
    defineConfig({
      app: "todo",
      handlers: "handlers",
      nats: { servers: process.env.NATS_URL },
      streams: [{ name: "TODO", subjects: ["todo.>"], maxAge: "7d" }],
      defaults: { timeout: "30s", concurrency: 16 },
      http: { port: 8088 },
    });
  });

  test("an unknown option does not compile", () => {
    // @ts-expect-error: the option is called handlers
    defineConfig({ handler: "handlers" });
    // @ts-expect-error: the option is called maxAge
    defineConfig({ streams: [{ name: "A", subjects: ["a.>"], maxage: "7d" }] });
    // @ts-expect-error: not a duration
    defineConfig({ defaults: { timeout: "half a minute" } });
  });
});

describe("a schedule", () => {
  test("is a cron pattern, or one of cron and every", () => {
    ({ subject: "a", schedule: "0 5 * * *" }) satisfies HandlerMetadata;
    ({
      subject: "a",
      schedule: { cron: "@daily", timeZone: "Europe/Berlin", missed: "all" },
    }) satisfies HandlerMetadata;
    ({ subject: "a", schedule: { every: "5m", payload: { full: true } } }) satisfies HandlerMetadata;
    // @ts-expect-error both of the two
    ({ subject: "a", schedule: { cron: "@daily", every: "5m" } }) satisfies HandlerMetadata;
    // @ts-expect-error an interval has no zone
    ({ subject: "a", schedule: { every: "5m", timeZone: "UTC" } }) satisfies HandlerMetadata;
    // @ts-expect-error no duration
    ({ subject: "a", schedule: { every: "5 minutes" } }) satisfies HandlerMetadata;
    // @ts-expect-error no such word
    ({ subject: "a", schedule: { every: "5m", missed: "twice" } }) satisfies HandlerMetadata;
  });

  test("publishes what the event's schema takes", () => {
    ({ ...counted, schedule: { every: "5m", payload: { count: "1" } } }) satisfies HandlerMetadata<typeof counted>;
    // @ts-expect-error the schema takes a text
    ({ ...counted, schedule: { every: "5m", payload: { count: 1 } } }) satisfies HandlerMetadata<typeof counted>;
  });

  test("tells its planned time", () => expectTypeOf(ctx.scheduledFor).toEqualTypeOf<Date | undefined>());
});

describe("buckets", () => {
  test("are named in the metadata, and what is read is bytes, text or JSON", async () => {
    ({ subject: "a", uses: { kv: ["users"], objects: ["files"] } }) satisfies HandlerMetadata;
    // @ts-expect-error: a list
    ({ subject: "a", uses: { kv: "users" } }) satisfies HandlerMetadata;
    const entry = await ctx.kv("users").get("ann");
    expectTypeOf(entry?.json<{ age: number }>().age).toEqualTypeOf<number | undefined>();
    expectTypeOf(entry?.revision).toEqualTypeOf<number | undefined>();
    expectTypeOf(ctx.kv("users", { timeout: "1s" }).put("ann", 1)).resolves.toBeNumber();
    expectTypeOf((await ctx.objects("files").get("a"))?.bytes).toEqualTypeOf<Uint8Array | undefined>();
    // @ts-expect-error: not a duration
    ctx.kv("users", { timeout: "soon" });
    // @ts-expect-error: a revision is needed
    void ctx.kv("users").update("ann", 1);
  });
});
