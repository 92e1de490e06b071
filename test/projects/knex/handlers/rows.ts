// A driver that is named in a text, and many others that are not installed.
import knex from "knex";

const db = knex({ client: "better-sqlite3", connection: { filename: ":memory:" }, useNullAsDefault: true });

export const metadata = { subject: "knex.rows", kind: "request" } as const;
export default () => db.raw("select 1 as n");
