// A database as `effect` uses it. Adapters: effect-postgres.ts, effect-sqlite.ts, or one of the author's own.

/** The dialects of SQL that there are statements for. */
export type EffectDialect = "postgres" | "sqlite";

/** Names of the two tables: `"handlers_inbox"`, with a schema `"billing.handlers_inbox"`. */
export interface EffectTableNames {
  /** Ids of messages whose effect is committed. Default `"handlers_inbox"`. */
  readonly inbox?: string | undefined;
  /** What is to be published once it is committed. Default `"handlers_outbox"`. */
  readonly outbox?: string | undefined;
}

/** What a statement is given for `$1`, `$2` and so on. */
export type EffectParameter = string | number | Uint8Array;

/** Rows of a table, as objects. */
export type EffectRows = Promise<readonly unknown[]> | readonly unknown[];

/**
 * What `effect` needs of a database. `postgres(pool)` and `sqlite(connection)` make one; for an ORM it is an object of yours:
 *
 * `{ dialect: "postgres", transaction: (work) => prisma.$transaction(work), query: (sql, parameters, tx = prisma) => tx.$queryRawUnsafe(sql, ...parameters) }`
 */
export interface EffectDatabase<Transaction> {
  /** Which statements it understands. */
  readonly dialect: EffectDialect;
  /** Names of the tables. Default `handlers_inbox` and `handlers_outbox`. */
  readonly tables?: EffectTableNames | undefined;
  /**
   * Begin, have `work` done, commit, and resolve with what it gave. When `work` rejects: roll back, and reject with the same.
   * May do `work` again after a rollback.
   */
  transaction<Result>(work: (transaction: Transaction) => Promise<Result>): Promise<Result>;
  /** Carry out one statement, in the transaction or, without one, by itself. Resolves with its rows, as objects. */
  query(sql: string, parameters: readonly EffectParameter[], transaction?: Transaction): EffectRows;
}
