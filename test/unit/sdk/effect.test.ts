// `effect` on a SQLite in memory, by the runtime's own context: E1 to E5 of sdk/effect.ts.

import { DatabaseSync } from "node:sqlite";
import type { HandlerContext } from "nats-handlers";
import { type EffectTableNames, effect, effectTables, type Outbox, pruneEffects, sqlite } from "nats-handlers/effect";
import { type HandlerExports, type RunHandlerOptions, runHandler } from "nats-handlers/testing";
import { beforeEach, describe, expect, it } from "vitest";

let connection: DatabaseSync;
let database: ReturnType<typeof sqlite<DatabaseSync>>;

beforeEach(() => {
  connection = new DatabaseSync(":memory:");
  connection.exec(effectTables("sqlite"));
  connection.exec("CREATE TABLE orders (id integer)");
  database = sqlite(connection);
});

function count(table: string): unknown {
  return connection.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.n;
}

type Run = (event: unknown, ctx: HandlerContext) => unknown;

function durable(run: Run, more: object = {}): HandlerExports {
  return { default: run, metadata: { subject: "orders.new", kind: "durable", ...more } };
}

function insert(outbox?: Outbox): void {
  connection.exec("INSERT INTO orders VALUES (1)");
  outbox?.publish("orders.billed", { order: 1 });
  outbox?.publish("orders.billed", { order: 2 });
}

const saving = durable((_event, ctx) => effect(ctx, database, (_connection, outbox) => insert(outbox)));

function refuse(): never {
  throw Object.assign(new Error("not connected"), { code: 503 });
}

describe("an effect", () => {
  it("is made once, however often the message comes, and tells which it was (E1)", async () => {
    const results: unknown[] = [];
    const module = durable(async (_event, ctx) => {
      const work = () => {
        insert();
        return "made";
      };
      results.push(await effect(ctx, database, work));
    });
    for (let attempt = 1; attempt <= 3; attempt++) await runHandler(module, {}, { attempt });
    await runHandler(module, {}, { sequence: 2 });
    expect(results).toEqual([
      { repeated: false, value: "made" },
      { repeated: true },
      { repeated: true },
      { repeated: false, value: "made" },
    ]);
    expect([count("orders"), count("handlers_inbox")]).toEqual([2, 2]);
  });

  it("publishes once it is committed, and leaves nothing in the outbox (E2)", async () => {
    const seen: unknown[] = [];
    const onPublish = () => seen.push([connection.isTransaction, count("orders"), count("handlers_outbox")]);
    const run = await runHandler(saving, {}, { onPublish });
    expect(run.published.map(({ data }) => data)).toEqual([{ order: 1 }, { order: 2 }]);
    expect(seen).toEqual([
      [false, 1, 2],
      [false, 1, 2],
    ]);
    expect(count("handlers_outbox")).toBe(0);
    expect((await runHandler(saving, {}, { attempt: 2 })).published).toEqual([]);
  });

  it("is rolled back when its function throws: nothing is written and nothing published", async () => {
    const module = durable((_event, ctx) =>
      effect(ctx, database, (_connection, outbox) => {
        insert(outbox);
        throw new Error("no stock");
      }),
    );
    const run = await runHandler(module, {});
    expect(run).toMatchObject({ outcome: "threw", error: { message: "no stock" }, published: [] });
    expect([count("orders"), count("handlers_inbox"), count("handlers_outbox")]).toEqual([0, 0, 0]);
    expect((await runHandler(saving, {}, { attempt: 2 })).published).toHaveLength(2);
  });

  it("that could not publish fails the message, and the next run publishes what is left, with the same ids (E3)", async () => {
    const first = await runHandler(saving, {}, { onPublish: refuse });
    expect(first).toMatchObject({ outcome: "threw", error: { message: expect.stringContaining("not connected") } });
    expect([count("orders"), count("handlers_outbox")]).toEqual([1, 2]);
    const again = await runHandler(saving, {}, { attempt: 2 });
    expect(again.outcome).toBe("returned");
    expect(again.published.map(({ id, data }) => [id, data])).toEqual(
      first.published.map(({ id, data }) => [id, data]),
    );
    expect([count("orders"), count("handlers_outbox")]).toEqual([1, 0]);
  });

  it("that is repeated leaves the ids of what is called around it as they were (E4)", async () => {
    const module = durable(async (_event, ctx) => {
      await ctx.publish("orders.before", 1);
      await effect(ctx, database, (_connection, outbox) => insert(outbox));
      await ctx.publish("orders.after", 1);
    });
    const options: RunHandlerOptions = { onPublish: ({ subject }) => subject === "orders.after" && refuse() };
    const first = await runHandler(module, {}, options);
    const again = await runHandler(module, {}, { attempt: 2 });
    const idOf = (run: typeof first, subject: string) => run.published.find((sent) => sent.subject === subject)?.id;
    expect(idOf(again, "orders.before")).toBe(idOf(first, "orders.before"));
    expect(idOf(again, "orders.after")).toBe(idOf(first, "orders.after"));
    expect(new Set(first.published.map(({ id }) => id)).size).toBe(4);
  });

  it("in a shadow is rolled back, is made though the id is there, and shows what it publishes (E5)", async () => {
    await runHandler(saving, {});
    const shadowed = durable((_event, ctx) =>
      effect(Object.create(ctx, { shadow: { value: true } }), database, (_connection, outbox) => {
        insert(outbox);
        return count("orders");
      }).then((result) => expect(result).toEqual({ repeated: false, value: 2 })),
    );
    const run = await runHandler(shadowed, {});
    expect(run).toMatchObject({ outcome: "returned", published: [{ data: { order: 1 } }, { data: { order: 2 } }] });
    expect([count("orders"), count("handlers_inbox"), count("handlers_outbox")]).toEqual([1, 1, 0]);
  });

  it("keeps the options of a publish, also for the run that finds them in the outbox", async () => {
    const at = new Date(Date.now() + 3_600_000);
    const module = durable((_event, ctx) =>
      effect(ctx, database, (_connection, outbox) => {
        outbox.publish("a", new Uint8Array([1, 255]), { headers: { "X-Tag": ["one", "two"] } });
        outbox.publish("b", 1, { delay: "10m" });
        outbox.publish("c", undefined, { at });
        outbox.publish("d", 1, { ttl: "10s", envelope: "nest" });
      }),
    );
    await runHandler(module, {}, { onPublish: refuse });
    const { published } = await runHandler(module, {}, { attempt: 2 });
    expect(published[0]?.headers.getAll("x-tag")).toEqual(["one", "two"]);
    expect(published[0]?.data).toEqual(new Uint8Array([1, 255]));
    expect(published[1]).toMatchObject({ data: 1, leaves: { delayMs: 600_000 } });
    expect(published[2]).toMatchObject({ data: undefined, leaves: { at } });
    expect(published[3]?.headers.get("Nats-TTL")).toBe("10s");
    expect(published[3]?.data).toMatchObject({ pattern: "d", data: 1 });
  });

  it("refuses at once what cannot be published, and is rolled back", async () => {
    for (const [target, options, says] of [
      ["orders.*", {}, /wildcards/],
      ["a", { delay: "soon" }, /duration/],
      ["a", { headers: { "Nats-Msg-Id": "x" } }, /Nats-/],
    ] as const) {
      const module = durable((_event, ctx) =>
        effect(ctx, database, (_connection, outbox) => {
          insert();
          outbox.publish(target as string, 1 as never, options as never);
        }),
      );
      expect((await runHandler(module, {})).error?.message).toMatch(says);
      expect(count("orders")).toBe(0);
    }
  });

  it("takes 1,000 messages, no more, and none once its function has ended", async () => {
    let kept: Outbox | undefined;
    const module = durable((event, ctx) =>
      effect(ctx, database, (_connection, outbox) => {
        kept = outbox;
        for (let n = 0; n < Number(event); n++) outbox.publish("a", n);
      }),
    );
    expect((await runHandler(module, 1_001)).error?.message).toContain("more than 1000 messages");
    const { published } = await runHandler(module, 1_000);
    expect(published.map(({ data }) => data)).toEqual(Array.from({ length: 1_000 }, (_, n) => n));
    expect(() => kept?.publish("a", 1)).toThrow("has ended");
  });

  it("of a second name is another one; of the same name it is refused within a run", async () => {
    const twice = (name: string) =>
      durable(async (_event, ctx) => {
        await effect(ctx, database, () => insert());
        await effect(ctx, database, () => insert(), { name });
      });
    expect((await runHandler(twice("second"), {})).outcome).toBe("returned");
    expect(count("orders")).toBe(2);
    expect((await runHandler(twice("effect"), {}, { sequence: 2 })).error?.message).toContain('"effect" already');
  });

  it("is refused where no message comes again, and without a context", async () => {
    const event = { default: saving.default, metadata: { subject: "orders.new" } };
    expect((await runHandler(event, {})).error?.message).toContain('of kind "event"');
    await expect(effect({} as HandlerContext, database, () => 1)).rejects.toThrow("context of a message");
    expect(count("orders")).toBe(0);
  });

  it("says what to do where nobody has made the tables", async () => {
    connection.exec("DROP TABLE handlers_inbox");
    const { error } = await runHandler(saving, {});
    expect(error?.message).toMatch(/no such table.*effectTables/);
  });
});

describe("SQLite's one connection", () => {
  it("has one effect at a time, and what is published meanwhile does not fall into another's transaction", async () => {
    const open: boolean[] = [];
    const module = durable((event, ctx) =>
      effect(ctx, sqlite(connection), async (_connection, outbox) => {
        open.push(true);
        expect(open).toHaveLength(1);
        outbox.publish("a", event);
        connection.exec("INSERT INTO orders VALUES (1)");
        await new Promise(setImmediate);
        open.pop();
        if (event === 3) throw new Error("rolled back");
      }),
    );
    const runs = await Promise.all([1, 2, 3, 4, 5].map((n) => runHandler(module, n, { sequence: n })));
    expect(runs.map(({ outcome }) => outcome)).toEqual(["returned", "returned", "threw", "returned", "returned"]);
    expect([count("orders"), count("handlers_inbox"), count("handlers_outbox")]).toEqual([4, 4, 0]);
  });
});

describe("the tables", () => {
  it("are forgotten by age, and never what waits to be published", async () => {
    for (let sequence = 1; sequence <= 3; sequence++) await runHandler(saving, {}, { sequence });
    await runHandler(saving, {}, { sequence: 4, onPublish: refuse });
    connection.exec("UPDATE handlers_inbox SET done_at = unixepoch() - 100 WHERE message_id NOT LIKE '%:3%'");
    expect(await pruneEffects(database, "1h")).toBe(0);
    expect(await pruneEffects(database, "50s")).toBe(2);
    expect([count("handlers_inbox"), count("handlers_outbox")]).toEqual([2, 2]);
    await expect(pruneEffects(database, "long" as never)).rejects.toThrow("duration");
  });

  it("have the names that are given, and no others than names", async () => {
    const names: EffectTableNames = { inbox: "seen", outbox: "main.waiting" };
    connection.exec(effectTables("sqlite", names));
    database = sqlite(connection, names);
    await runHandler(saving, {}, { onPublish: refuse });
    expect([count("seen"), count("waiting"), count("handlers_inbox")]).toEqual([1, 2, 0]);
    for (const inbox of ["", "a b", "a.b.c", 'x"; DROP TABLE orders; --'])
      expect(() => effectTables("postgres", { inbox })).toThrow(TypeError);
  });
});
