import pg from "pg";

export const metadata = { subject: "otel-pg.query", kind: "request" } as const;
export default async (port: number) => {
  const client = new pg.Client({ host: "127.0.0.1", port, user: "ada", database: "shop", ssl: false });
  await client.connect();
  const { rows } = await client.query("select 1 as n");
  await client.end();
  const spans = (globalThis as unknown as { finishedSpans(): string[] }).finishedSpans();
  return { rows, spans: [...new Set(spans.filter((name) => name.startsWith("pg.connect")))] };
};
