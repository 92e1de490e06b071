// SQLite, by `node:sqlite` or `better-sqlite3`: one connection, which can have one transaction at a time.

import type { EffectDatabase, EffectParameter, EffectTableNames } from "./effect-database.ts";

/** A connection: `DatabaseSync` of `node:sqlite`, or a database of `better-sqlite3`. */
export interface SqliteConnection {
  /** Carry out statements that have no parameters. */
  exec(sql: string): unknown;
  /** Compile one. */
  prepare(sql: string): { all(...parameters: EffectParameter[]): unknown[] };
}

type Compiled = ReturnType<SqliteConnection["prepare"]>;

/** Statements of each connection, by their text: to compile one costs as much as to run it. */
const compiled = new WeakMap<SqliteConnection, Map<string, Compiled>>();
/** Longer ones write many messages at once, and hardly come again. */
const LONGEST_KEPT = 600;

/** The last one in each connection's line: several adapters of a connection share it. */
const lines = new WeakMap<SqliteConnection, Promise<unknown>>();

/**
 * For `effect`: transactions on one connection, one after another. Other statements of the process on the same connection would fall
 * into whichever is open: make them inside of `effect`, or on another connection. The connection should have a time-out for locks, as other
 * processes write as well: `new DatabaseSync(path, { timeout: 5000 })`. Throws a TypeError for a table's name that is none.
 */
export function sqlite<Connection extends SqliteConnection>(
  connection: Connection,
  tables?: EffectTableNames,
): EffectDatabase<Connection> {
  return {
    dialect: "sqlite",
    tables,
    transaction: (work) => inTurn(connection, () => inTransaction(connection, () => work(connection))),
    query: (sql, parameters, transaction) => {
      const all = () => compiledOn(connection, sql).all(...parameters);
      return transaction === undefined ? inTurn(connection, async () => all()) : all();
    },
  };
}

function compiledOn(connection: SqliteConnection, sql: string): Compiled {
  if (sql.length > LONGEST_KEPT) return connection.prepare(sql);
  const statements = compiled.get(connection) ?? new Map<string, Compiled>();
  compiled.set(connection, statements);
  const statement = statements.get(sql) ?? connection.prepare(sql);
  statements.set(sql, statement);
  return statement;
}

function inTurn<Result>(connection: SqliteConnection, act: () => Promise<Result>): Promise<Result> {
  const turn = (lines.get(connection) ?? Promise.resolve()).then(act);
  lines.set(
    connection,
    turn.catch(() => undefined), // whoever asked for it is told
  );
  return turn;
}

async function inTransaction<Result>(connection: SqliteConnection, work: () => Promise<Result>): Promise<Result> {
  // Waits for other writers now: a transaction that has read before it writes cannot.
  connection.exec("BEGIN IMMEDIATE");
  try {
    const result = await work();
    connection.exec("COMMIT");
    return result;
  } catch (error) {
    rollBack(connection);
    throw error;
  }
}

function rollBack(connection: SqliteConnection): void {
  try {
    connection.exec("ROLLBACK");
  } catch {
    // SQLite has done it by itself, as it does when the disk is full.
  }
}
