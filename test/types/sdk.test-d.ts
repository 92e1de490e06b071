// What must compile for authors, and what must not.

import {
  type Duration,
  defineConfig,
  defineEvent,
  defineHandler,
  GiveUp,
  type HandlerContext,
  type HandlerMetadata,
  RetryLater,
  type Setup,
} from "nats-handlers";
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

  test("orderBy takes the event's payload", () => {
    const metadata = {
      ...newItem,
      kind: "durable",
      orderBy: (event) => event.id,
    } satisfies HandlerMetadata<typeof newItem>;
    defineHandler(metadata, (todo) => void todo.item);
    void ({ subject: "a.b", orderBy: (event: { key: string }) => event.key } satisfies HandlerMetadata);
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
  });
});

describe("request", () => {
  test("the reply's type is the caller's claim, else unknown", () => {
    expectTypeOf(ctx.request("todo.list")).resolves.toBeUnknown();
    expectTypeOf(ctx.request<string[]>("todo.list", {})).resolves.toEqualTypeOf<string[]>();
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
