// The same package by another name: npm's alias.
import Database from "bs";

export const metadata = { subject: "better-sqlite3.alias", kind: "request" } as const;
export default () => new Database(":memory:").prepare("select 2 as n").get();
