import Database from "better-sqlite3";
import { sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/better-sqlite3";

const db = drizzle(new Database(":memory:"));

export const metadata = { subject: "queries.drizzle", kind: "request" } as const;
export default () => db.get(sql`select 3 as n`);
