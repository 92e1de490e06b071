import Database from "better-sqlite3";

const db = new Database(":memory:");

export const metadata = { subject: "better-sqlite3.rows", kind: "request" } as const;
export default () => db.prepare("select 1 + 1 as n").get();
