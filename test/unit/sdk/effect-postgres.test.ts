// The adapter for `pg`, on a pool that answers what a server would.

import { type PostgresPool, postgres } from "nats-handlers/effect";
import { expect, it } from "vitest";

type Answer = { readonly rows: unknown[]; readonly command?: string };

function poolThat(answers: (sql: string) => Answer | Promise<Answer>) {
  const asked: string[] = [];
  const released: unknown[] = [];
  const query = async (sql: string) => {
    asked.push(sql);
    return answers(sql);
  };
  const client = { query, release: (destroy?: boolean) => released.push(destroy) };
  const pool = { query, connect: async () => client } as unknown as PostgresPool;
  return { pool, asked, released };
}

const plain = (sql: string): Answer => ({ rows: [], command: sql.split(" ")[0]! });

it("a transaction is committed, and its connection given back", async () => {
  const { pool, asked, released } = poolThat(plain);
  const database = postgres(pool);
  const result = await database.transaction(async (client) => {
    await database.query("INSERT 1", [], client);
    return 7;
  });
  expect(result).toBe(7);
  expect(asked).toEqual(["BEGIN", "INSERT 1", "COMMIT"]);
  expect(released).toEqual([false]);
});

it("a commit that the server answers with a rollback rejects: an error within was caught", async () => {
  const { pool } = poolThat((sql) => ({ rows: [], command: sql === "COMMIT" ? "ROLLBACK" : sql }));
  await expect(postgres(pool).transaction(async () => 7)).rejects.toThrow("rolled back, as one of its statements");
});

it("a connection that cannot even roll back is closed, and the first error is told", async () => {
  const { pool, released } = poolThat((sql) => (sql === "BEGIN" ? plain(sql) : Promise.reject(new Error("gone"))));
  const failing = postgres(pool).transaction(async () => {
    throw new Error("first");
  });
  await expect(failing).rejects.toThrow("first");
  expect(released).toEqual([true]);
});

it("one connection is refused: messages run side by side", async () => {
  const client = { query: async () => ({ rows: [] }), connect: async () => undefined };
  await expect(postgres(client as never).transaction(async () => 1)).rejects.toThrow("not one connection");
  expect(() => postgres(undefined as never)).toThrow("a pool is needed");
});
