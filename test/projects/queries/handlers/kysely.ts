import Database from "better-sqlite3";
import { Kysely, SqliteDialect, sql } from "kysely";

const db = new Kysely<object>({ dialect: new SqliteDialect({ database: new Database(":memory:") }) });

export const metadata = { subject: "queries.kysely", kind: "request" } as const;
export default async () => (await sql<{ n: number }>`select 4 as n`.execute(db)).rows;
