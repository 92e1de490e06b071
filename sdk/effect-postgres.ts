// PostgreSQL, by a pool of the package `pg` or what has the same methods.

import type { EffectDatabase, EffectTableNames } from "./effect-database.ts";

/** One connection, as `pg` has it. */
export interface PostgresClient {
  /** Carry out one statement. */
  query(sql: string, parameters?: unknown[]): Promise<{ readonly rows: unknown[]; readonly command?: string }>;
  /** Give it back to its pool; with true it is closed instead. */
  release(destroy?: boolean): void;
}

/** What hands out connections: a `Pool` of `pg`. */
export interface PostgresPool {
  /** A connection of its own for each transaction. */
  connect(): Promise<PostgresClient>;
  /** Carry out one statement on any connection. */
  query(sql: string, parameters?: unknown[]): Promise<{ readonly rows: unknown[] }>;
}

/** What the pool's `connect` gives: with all that the driver's own type has. */
export type ClientOf<Pool> = Pool extends {
  connect(): Promise<infer Client>;
  connect(callback: (error: Error | undefined, client: never, release: never) => void): void;
}
  ? Client
  : Pool extends { connect(): Promise<infer Client> }
    ? Client
    : PostgresClient;

interface Noticing {
  on?(event: "error", heard: () => void): unknown;
  off?(event: "error", heard: () => void): unknown;
}

/**
 * For `effect`: transactions on connections of a pool, `new Pool()` of the package `pg`. Each effect under way holds one, so the pool
 * should have `concurrency` of them (`max`). Throws a TypeError for what is no pool and for a table's name that is none.
 */
export function postgres<Pool extends PostgresPool>(
  pool: Pool,
  tables?: EffectTableNames,
): EffectDatabase<ClientOf<Pool>> {
  if (typeof (pool as Partial<PostgresPool> | undefined)?.connect !== "function")
    throw new TypeError("postgres: a pool is needed, such as `new Pool()` of the package `pg`");
  return {
    dialect: "postgres",
    tables,
    async transaction<Result>(work: (client: ClientOf<Pool>) => Promise<Result>) {
      const client: PostgresClient | undefined = await pool.connect();
      if (typeof client?.release !== "function")
        throw new TypeError("postgres: a pool is needed, and not one connection: messages run side by side");
      return inTransaction(client, () => work(client as ClientOf<Pool>));
    },
    async query(sql, parameters, transaction) {
      const on = (transaction ?? pool) as Pick<PostgresPool, "query">;
      return (await on.query(sql, [...parameters])).rows;
    },
  };
}

async function inTransaction<Result>(client: PostgresClient, work: () => Promise<Result>): Promise<Result> {
  const { on, off } = client as Noticing;
  // A lost connection fails the statement under way, which says so; unheard, it would end the process as well.
  on?.call(client, "error", unheard);
  let isBroken = false;
  try {
    await client.query("BEGIN");
    const result = await work();
    const { command } = await client.query("COMMIT");
    if (command === "ROLLBACK") throw rolledBack();
    return result;
  } catch (error) {
    await client.query("ROLLBACK").catch(() => {
      isBroken = true;
    });
    throw error;
  } finally {
    off?.call(client, "error", unheard);
    client.release(isBroken);
  }
}

function unheard(): void {}

/** The server answers COMMIT so, and no driver rejects for it. */
function rolledBack(): Error {
  return new Error(
    "effect: the transaction was rolled back, as one of its statements had failed. Its error was caught inside the function: let it through, or use a SAVEPOINT around what may fail",
  );
}
