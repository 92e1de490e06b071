// What `import ... from "nats-handlers/effect"` gives: effects of a message in a database, once.
//
// E1  The message's id is written in the transaction of its effect (inbox). Where it is there already, the effect is committed, and is
//     not made again.
// E2  What the function publishes is written in the same transaction (outbox), and published once that is committed.
// E3  The message is not settled before its outbox is empty: whoever runs it again publishes what is left, with the same message
//     ids. No process has to look for it.
// E4  What a repeated run calls besides has the numbers it had the first time: those of the outbox are set aside in each run.
// E5  In a shadow everything is rolled back, and the id is not looked at.

import type { HandlerContext, Publishable, PublishOptions } from "./context.ts";
import type { EventDefinition, PublishedOf } from "./define-event.ts";
import { type Duration, parseDuration } from "./duration.ts";
import type { EffectDatabase } from "./effect-database.ts";
import { type EffectKey, EffectStatements, type OutboxRow, type Statement } from "./effect-statements.ts";
import { EFFECTS, type EffectsPort, type OutgoingTarget } from "./effects-port.ts";

export type {
  EffectDatabase,
  EffectDialect,
  EffectParameter,
  EffectRows,
  EffectTableNames,
} from "./effect-database.ts";
export { type ClientOf, type PostgresClient, type PostgresPool, postgres } from "./effect-postgres.ts";
export { type SqliteConnection, sqlite } from "./effect-sqlite.ts";
export { effectTables } from "./effect-statements.ts";

/** Takes what is to be published once the transaction is committed. */
export interface Outbox {
  /**
   * As `ctx.publish`, but the message is written in the transaction, and leaves once that is committed; a `delay` counts from then.
   * At most 1,000 of an effect. Throws what `ctx.publish` throws for what cannot be sent, and an Error once the function has ended.
   */
  publish<const Target extends string | EventDefinition>(
    target: Publishable<Target>,
    data: PublishedOf<Target>,
    options?: PublishOptions,
  ): void;
}

/** What came of an effect. */
export type EffectResult<Result> =
  /** It was made now, and is committed. */
  | { readonly repeated: false; readonly value: Result }
  /** An earlier run of the message has made it: the function was not called. */
  | { readonly repeated: true };

export interface EffectOptions {
  /** Tells several effects of one handler apart. Default `"effect"`. */
  readonly name?: string | undefined;
}

const MOST_MESSAGES = 1_000;
const DEFAULT_NAME = "effect";
/** Names of the effects of each run. */
const begun = new WeakMap<object, Set<string>>();

/**
 * Make an effect of a message in a database once, however often the message comes: `work` runs in a transaction, in which the message's id is
 * written too. A run that finds the id there does not call it. What `work` gives to `outbox.publish` leaves after the commit.
 *
 * For handlers of kind `durable`. Rejects with what `work` and the database reject with, the transaction rolled back; and with what a
 * publish is refused with, the transaction committed: the message is retried then, and only what is left is published. Rejects with a
 * TypeError in a handler of another kind, and for a second effect of the same name in a run.
 */
export async function effect<Transaction, Result>(
  ctx: HandlerContext,
  database: EffectDatabase<Transaction>,
  work: (transaction: Transaction, outbox: Outbox) => Result | Promise<Result>,
  { name = DEFAULT_NAME }: EffectOptions = {},
): Promise<EffectResult<Result>> {
  const port = portOf(ctx);
  begin(ctx, name);
  const statements = new EffectStatements(database.dialect, database.tables);
  const key: EffectKey = [port.app, port.handler, ctx.id, name];
  const first = port.reserve(MOST_MESSAGES); // E4
  if (ctx.shadow) return inShadow(port, first, database, work);
  const ask = (statement: Statement, transaction?: Transaction) =>
    database.query(statement.sql, statement.parameters, transaction);
  const { left, result } = await database.transaction(async (transaction): Promise<Committed<Result>> => {
    const claimed = await explained(statements.claim(key), (statement) => ask(statement, transaction));
    if (claimed.length === 0) {
      const rows = await ask(statements.left(key), transaction);
      return { left: rows.map((row) => statements.readRow(row)), result: { repeated: true } };
    }
    const outbox = new EffectOutbox(port, first);
    const value = await work(transaction, outbox);
    const rows = outbox.close();
    if (rows.length > 0) await ask(statements.put(key, rows), transaction);
    return { left: rows, result: { repeated: false, value } };
  });
  if (left.length === 0) return result;
  await publishAll(port, left);
  await ask(statements.clear(key));
  return result;
}

/**
 * Forget which messages have had their effect, of those whose effect was committed before `olderThan` ago and of which nothing waits to be
 * published. Resolves with how many. A message that comes again after that has its effect a second time: keep ids as long as one may come.
 * Throws a TypeError when `olderThan` is no duration.
 */
export async function pruneEffects<Transaction>(
  database: EffectDatabase<Transaction>,
  olderThan: Duration,
): Promise<number> {
  const ageMs = parseDuration(olderThan);
  if (ageMs === undefined)
    throw new TypeError(`pruneEffects: ${JSON.stringify(olderThan)} is not a duration such as "40d"`);
  const { sql, parameters } = new EffectStatements(database.dialect, database.tables).prune(ageMs / 1000);
  for (let pruned = 0; ; ) {
    const { length } = await database.query(sql, parameters);
    if (length === 0) return pruned;
    pruned += length;
  }
}

interface Committed<Result> {
  readonly left: readonly OutboxRow[];
  readonly result: EffectResult<Result>;
}

class EffectOutbox implements Outbox {
  private readonly port: EffectsPort;
  private readonly first: number;
  private readonly rows: OutboxRow[] = [];
  private isClosed = false;

  constructor(port: EffectsPort, first: number) {
    this.port = port;
    this.first = first;
  }

  publish(target: OutgoingTarget, data: unknown, options?: PublishOptions): void {
    if (this.isClosed) throw new Error("effect: its function has ended, and what it publishes is committed already");
    if (this.rows.length === MOST_MESSAGES)
      throw new Error(
        `effect: more than ${MOST_MESSAGES} messages of one effect: publish one that says where the rest is`,
      );
    const { subject, payload } = this.port.prepare(target, data, options);
    const call = this.first + this.rows.length;
    // Bytes are the author's, who may change them.
    this.rows.push({ call, subject, payload: new Uint8Array(payload), options: optionsText(options) });
  }

  close(): readonly OutboxRow[] {
    this.isClosed = true;
    return this.rows;
  }
}

/** E5. */
async function inShadow<Transaction, Result>(
  port: EffectsPort,
  first: number,
  database: EffectDatabase<Transaction>,
  work: (transaction: Transaction, outbox: Outbox) => Result | Promise<Result>,
): Promise<EffectResult<Result>> {
  const end = new Error("effect: rolled back, as this is a shadow's run");
  let seen: { readonly value: Result; readonly rows: readonly OutboxRow[] } | undefined;
  await database
    .transaction(async (transaction) => {
      const outbox = new EffectOutbox(port, first);
      const value = await work(transaction, outbox);
      seen = { value, rows: outbox.close() };
      throw end;
    })
    .catch((error: unknown) => {
      if (error !== end) throw error;
    });
  const { value, rows } = seen!;
  await publishAll(port, rows);
  return { repeated: false, value };
}

async function publishAll(port: EffectsPort, rows: readonly OutboxRow[]): Promise<void> {
  await Promise.all(rows.map(({ call, options, ...message }) => port.publishAs(call, message, optionsOf(options))));
}

/** The envelope is round the content already. */
function optionsText({ envelope, ...options }: PublishOptions = {}): string {
  return JSON.stringify(options);
}

function optionsOf(text: string): PublishOptions {
  const { at, ...options } = JSON.parse(text) as { readonly at?: string };
  return at === undefined ? options : { ...options, at: new Date(at) };
}

/** Most of what can be wrong with the first statement is that nobody has made the tables. */
async function explained<T>(statement: Statement, ask: (statement: Statement) => Promise<T> | T): Promise<T> {
  try {
    return await ask(statement);
  } catch (error) {
    const told = error instanceof Error ? error.message : String(error);
    const message = `effect: the message's id could not be written: ${told}. If its table is not there: \`effectTables\` gives the SQL that makes it`;
    throw Object.assign(new Error(message, { cause: error }), { code: (error as { code?: unknown } | null)?.code });
  }
}

function portOf(ctx: HandlerContext): EffectsPort {
  const port = (ctx as { readonly [EFFECTS]?: EffectsPort } | undefined)?.[EFFECTS];
  if (port === undefined)
    throw new TypeError("effect: the context of a message is needed first: `ctx`, or one of `ctx.messages` of a batch");
  if (port.kind === "durable") return port;
  throw new TypeError(
    `effect: handler "${port.handler}" is of kind "${port.kind}", of which no message comes again: there is nothing to recognise, and nobody would publish what is left in the outbox. Make it \`kind: "durable"\``,
  );
}

function begin(ctx: object, name: string): void {
  const names = begun.get(ctx) ?? new Set();
  if (names.has(name))
    throw new TypeError(
      `effect: this run has made an effect "${name}" already, and a second one of that name would be taken for a repetition: give it another, { name: "..." }`,
    );
  begun.set(ctx, names.add(name));
}
