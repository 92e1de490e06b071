// The SQL of `effect`: tables, and what is asked of them. A row of the inbox says that a message's effect is committed; one of the
// outbox is a message that has not been published yet, or not been known to be.

import type { EffectDialect, EffectParameter, EffectTableNames } from "./effect-database.ts";

/** What an effect is known by: app, handler, message and name. */
export type EffectKey = readonly [app: string, handler: string, message: string, effect: string];

/** A message of the outbox. */
export interface OutboxRow {
  /** Its number among the calls of the run: its message id is made of it. */
  readonly call: number;
  /** Where it goes. */
  readonly subject: string;
  /** Its content. */
  readonly payload: Uint8Array;
  /** Those of `publish`, as JSON. */
  readonly options: string;
}

export interface Statement {
  /** In the dialect. */
  readonly sql: string;
  /** For `$1`, or `?1`, and so on. */
  readonly parameters: readonly EffectParameter[];
}

const NAME = /^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)?$/;
const KEY = "app = $1 AND handler = $2 AND message_id = $3 AND effect = $4";
const PRUNED_AT_ONCE = 10_000;

/** The default names, and those that are stated. Throws a TypeError for one that is no name. */
export function tableNames({ inbox = "handlers_inbox", outbox = "handlers_outbox" }: EffectTableNames = {}) {
  for (const name of [inbox, outbox])
    if (!NAME.test(name))
      throw new TypeError(
        `effect: a table's name must be letters, digits and "_", with a schema before a dot if need be, as "billing.handlers_inbox" is; received ${JSON.stringify(name)}`,
      );
  return { inbox, outbox };
}

/**
 * The SQL that makes the two tables, for a migration of yours. Nothing makes them by itself.
 *
 * Throws a TypeError for a table's name that is none.
 */
export function effectTables(dialect: EffectDialect, names?: EffectTableNames): string {
  const { inbox, outbox } = tableNames(names);
  const isPostgres = dialect === "postgres";
  const at = isPostgres ? "timestamptz NOT NULL DEFAULT now()" : "integer NOT NULL DEFAULT (unixepoch())";
  const key = "app text NOT NULL,\n  handler text NOT NULL,\n  message_id text NOT NULL,\n  effect text NOT NULL,";
  const index = isPostgres
    ? `CREATE INDEX IF NOT EXISTS ${inbox.replace(/^.*\./, "")}_done_at ON ${inbox} USING brin (done_at);\n`
    : "";
  return `CREATE TABLE IF NOT EXISTS ${inbox} (
  ${key}
  done_at ${at},
  PRIMARY KEY (app, handler, message_id, effect)
);
${index}CREATE TABLE IF NOT EXISTS ${outbox} (
  ${key}
  call integer NOT NULL,
  subject text NOT NULL,
  payload ${isPostgres ? "bytea" : "blob"} NOT NULL,
  options text NOT NULL,
  written_at ${at},
  PRIMARY KEY (app, handler, message_id, effect, call)
);
`;
}

/** What is asked of one effect's rows. */
export class EffectStatements {
  private readonly dialect: EffectDialect;
  private readonly inbox: string;
  private readonly outbox: string;

  constructor(dialect: EffectDialect, names: EffectTableNames | undefined) {
    const { inbox, outbox } = tableNames(names);
    this.dialect = dialect;
    this.inbox = inbox;
    this.outbox = outbox;
  }

  /** Gives a row when the id is new; waits for whoever is writing the same one. */
  claim(key: EffectKey): Statement {
    const sql = `INSERT INTO ${this.inbox} (app, handler, message_id, effect) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING RETURNING 1 AS claimed`;
    return this.statement(sql, key);
  }

  put(key: EffectKey, rows: readonly OutboxRow[]): Statement {
    const values = rows.map((_, at) => {
      const [call, subject, payload, options] = [5, 6, 7, 8].map((number) => `$${number + 4 * at}`);
      return `($1, $2, $3, $4, ${call}, ${subject}, ${this.isPostgres ? `decode(${payload}, 'base64')` : payload}, ${options})`;
    });
    const columns = "app, handler, message_id, effect, call, subject, payload, options";
    const parameters = rows.flatMap(({ call, subject, payload, options }) => [
      call,
      subject,
      this.isPostgres ? Buffer.from(payload).toString("base64") : payload,
      options,
    ]);
    const sql = `INSERT INTO ${this.outbox} (${columns}) VALUES ${values.join(", ")} RETURNING 1 AS put`;
    return this.statement(sql, [...key, ...parameters]);
  }

  left(key: EffectKey): Statement {
    const payload = this.isPostgres ? "encode(payload, 'base64') AS payload" : "payload";
    return this.statement(
      `SELECT call, subject, ${payload}, options FROM ${this.outbox} WHERE ${KEY} ORDER BY call`,
      key,
    );
  }

  clear(key: EffectKey): Statement {
    return this.statement(`DELETE FROM ${this.outbox} WHERE ${KEY} RETURNING 1 AS cleared`, key);
  }

  /** Rows of the inbox that are older, and of which nothing waits to be published: so many at a time. */
  prune(seconds: number): Statement {
    const [row, before] = this.isPostgres
      ? ["ctid", "now() - $1::double precision * interval '1 second'"]
      : ["rowid", "unixepoch() - $1"];
    const waits = `SELECT 1 FROM ${this.outbox} o WHERE o.app = i.app AND o.handler = i.handler AND o.message_id = i.message_id AND o.effect = i.effect`;
    const old = `SELECT i.${row} FROM ${this.inbox} i WHERE i.done_at < ${before} AND NOT EXISTS (${waits}) LIMIT ${PRUNED_AT_ONCE}`;
    return this.statement(`DELETE FROM ${this.inbox} WHERE ${row} IN (${old}) RETURNING 1 AS pruned`, [seconds]);
  }

  /** A row of `left`, as a driver gives it. */
  readRow(row: unknown): OutboxRow {
    const { call, subject, payload, options } = row as Record<keyof OutboxRow, unknown>;
    const bytes = typeof payload === "string" ? Buffer.from(payload, "base64") : (payload as Uint8Array);
    return { call: Number(call), subject: String(subject), payload: bytes, options: String(options) };
  }

  private get isPostgres(): boolean {
    return this.dialect === "postgres";
  }

  /** SQLite counts its parameters with `?`. */
  private statement(sql: string, parameters: readonly EffectParameter[]): Statement {
    return { sql: this.isPostgres ? sql : sql.replace(/\$(\d+)/g, "?$1"), parameters };
  }
}
