// What authors get from `nats-handlers/effect` is typed by their own driver.

import { DatabaseSync } from "node:sqlite";
import { defineEvent, type HandlerContext } from "nats-handlers";
import { type EffectDatabase, effect, postgres, pruneEffects, sqlite } from "nats-handlers/effect";
import { Client, Pool, type PoolClient } from "pg";
import { expectTypeOf, it } from "vitest";
import { z } from "zod";

declare const ctx: HandlerContext;
const billed = defineEvent("orders.billed", z.object({ order: z.number() }));

it("a transaction of Postgres is the driver's own connection", () => {
  const database = postgres(new Pool());
  expectTypeOf(database).toExtend<EffectDatabase<PoolClient>>();
  const done = effect(ctx, database, async (client, outbox) => {
    expectTypeOf(client).toEqualTypeOf<PoolClient>();
    outbox.publish(billed, { order: 1 });
    outbox.publish("orders.seen", { anything: true }, { delay: "10m" });
    // @ts-expect-error the data of the event has a number
    outbox.publish(billed, { order: "1" });
    // @ts-expect-error a wildcard cannot be published to
    outbox.publish("orders.*", 1);
    return 7;
  });
  expectTypeOf(done).resolves.toExtend<{ repeated: boolean }>();
  expectTypeOf<Extract<Awaited<typeof done>, { repeated: false }>["value"]>().toEqualTypeOf<number>();
});

it("one connection is no pool", () => {
  // @ts-expect-error messages run side by side
  postgres(new Client());
});

it("a transaction of SQLite is the connection", () => {
  const database = sqlite(new DatabaseSync(":memory:"), { inbox: "seen" });
  void effect(ctx, database, (connection) => {
    expectTypeOf(connection).toEqualTypeOf<DatabaseSync>();
  });
  void effect(ctx, database, () => 1, { name: "second" });
  // @ts-expect-error there is no such option
  void effect(ctx, database, () => 1, { names: "second" });
  expectTypeOf(pruneEffects(database, "40d")).resolves.toEqualTypeOf<number>();
  // @ts-expect-error no duration
  void pruneEffects(database, "40 days");
});
