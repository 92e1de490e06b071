// The test kit's `crashPoints`: what a kill after each step of a handler leaves behind, with a real database.
// @module-tag any-server

import { DatabaseSync } from "node:sqlite";
import { crashPoints } from "nats-handlers/testing";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createProject, type TestProject } from "../support/project.ts";

const BILL = `
  import { DatabaseSync } from "node:sqlite";
  export const metadata = { subject: "orders.placed", kind: "durable" };
  let database: DatabaseSync;
  export function setup() {
    database = new DatabaseSync("bills.sqlite");
    database.exec("create table if not exists bills (id text primary key); create table if not exists tries (id text);");
  }
  export default async (order: { id: string }, ctx: any) => {
    const price = await ctx.request("price.of", order);
    database.prepare("insert into bills values (?) on conflict do nothing").run(order.id);
    database.prepare("insert into tries values (?)").run(order.id);
    await ctx.publish("orders.billed", { id: order.id, price });
  };`;

let project: TestProject;
beforeEach(() => {
  project = createProject();
});
afterEach(() => project.end());

const inDatabase = <T>(ask: (database: DatabaseSync) => T): T => {
  const database = new DatabaseSync(`${project.rootDir}/bills.sqlite`);
  try {
    return ask(database);
  } finally {
    database.close();
  }
};

it("the process is killed after each step, the message comes again, and what is there twice is seen", async () => {
  project.write("bill.ts", BILL);
  const rows: Record<string, unknown>[] = [];
  const points = await crashPoints(
    project.path("bill.ts"),
    { id: "a" },
    {
      root: project.rootDir,
      answer: ({ subject }) => ({ of: subject }),
      before: () => inDatabase((database) => database.exec("drop table if exists bills; drop table if exists tries")),
      after({ at, repeated, orphaned }) {
        const count = (table: string) =>
          inDatabase((database) => database.prepare(`select count(*) as n from ${table}`).get()?.n);
        rows.push({ at, bills: count("bills"), tries: count("tries"), sentAgain: repeated.length + orphaned.length });
      },
    },
  );
  // A stream has what is sent again once: it has the same id.
  expect(rows).toEqual([
    { at: "after the request to price.of", bills: 1, tries: 1, sentAgain: 0 },
    { at: "after the await in handlers/bill.ts:10", bills: 1, tries: 1, sentAgain: 0 },
    { at: "after the publish to orders.billed", bills: 1, tries: 2, sentAgain: 1 },
    { at: "after the await in handlers/bill.ts:13", bills: 1, tries: 2, sentAgain: 1 },
    { at: "after it ended, before NATS knew", bills: 1, tries: 2, sentAgain: 1 },
  ]);
  for (const { again, orphaned } of points) {
    expect(again).toMatchObject({ outcome: "returned", settlement: { do: "ack" } });
    expect(orphaned).toEqual([]);
  }
  const billed = { id: "a", price: { of: "price.of" } };
  expect(points.at(-1)?.published.map(({ data }) => data)).toEqual([billed, billed]);
});

it("what ctx.once has kept outlives the process: the part is called again only where it was killed before that", async () => {
  project.write(
    "pays.ts",
    `
    export const metadata = { subject: "orders.placed", kind: "durable" };
    export default async (_event: unknown, ctx: any) => {
      const { id } = await ctx.once("charge", ({ key }: any) => ctx.request("payments.make", { key }));
      await ctx.publish("orders.paid", { id });
    };`,
  );
  const keys: unknown[] = [];
  const answer = ({ data }: { readonly data: unknown }) => {
    keys.push((data as { readonly key: unknown }).key);
    return { id: "ch_1" };
  };
  const points = await crashPoints(project.path("pays.ts"), {}, { root: project.rootDir, answer });
  const asked = points.map(({ at, again }) => [at, again.requested.length]);
  expect(asked).toEqual([
    ["after the request to payments.make", 1],
    ['before ctx.once("charge") keeps what it gave', 1],
    ["after the await in handlers/pays.ts:4", 0],
    ["after the publish to orders.paid", 0],
    ["after the await in handlers/pays.ts:5", 0],
    ["after it ended, before NATS knew", 0],
  ]);
  expect(new Set(keys).size).toBe(1);
});

it("a handler that goes another way the second time leaves what only the first run published", async () => {
  project.write(
    "wanders.ts",
    `
    export const metadata = { subject: "a.b" };
    export default (_event: unknown, ctx: any) => void ctx.publish(ctx.attempt === 1 ? "a.first" : "a.again", {});`,
  );
  const points = await crashPoints(project.path("wanders.ts"), undefined, { root: project.rootDir });
  const last = points.at(-1);
  expect(last?.orphaned.map(({ subject }) => subject)).toEqual(["a.first"]);
  expect(last?.again.published.map(({ subject }) => subject)).toEqual(["a.again"]);
});

it("what the test finds wrong is what it rejects with", async () => {
  project.write("plain.ts", 'export const metadata = { subject: "a.b" }; export default () => 1;');
  const after = () => expect.unreachable("once is enough");
  const trying = crashPoints(project.path("plain.ts"), undefined, { root: project.rootDir, after });
  await expect(trying).rejects.toThrow("once is enough");
});

it("a handler that does not build, or cannot be set up, is told as by the runtime", async () => {
  project.write("broken.ts", "export default (");
  await expect(crashPoints(project.path("broken.ts"), 1, { root: project.rootDir })).rejects.toMatchObject({
    code: "BUNDLE_FAILED",
  });
  project.write(
    "unset.ts",
    `export const metadata = { subject: "a.b" };
export const setup = () => { throw new Error("no database"); };
export default () => 1;`,
  );
  await expect(crashPoints(project.path("unset.ts"), 1, { root: project.rootDir })).rejects.toThrow(
    /no database[\s\S]*handlers\/unset\.ts:2/,
  );
});
