import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { readShadow } from "../../../runtime/page/read-shadow.ts";
import { type KeptReport, keepReport, keptReport } from "../../../runtime/shadow/kept-report.ts";

const TOOK = { p50Ms: 1, p95Ms: 2 };
const report = (handler: string, what = "publish billed: data.sum"): KeptReport => ({
  atMs: 5,
  handler,
  stream: "ORDERS",
  before: "what the replicas serve",
  after: "the files here",
  versions: { before: "v1", after: "v2" },
  subjects: { before: "orders.placed", after: "orders.placed" },
  took: { before: TOOK, after: TOOK },
  messages: 9,
  differing: 1,
  unsteady: 0,
  noise: [],
  differences: [{ what, messages: 1, examples: [{ sequence: 7, before: '{"password":"geh', after: '"x"' }] }],
});

let folder = "";
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), "kept-report-")), ".handlers");
});
afterEach(() => rmSync(join(folder, ".."), { recursive: true }));

const seen = (handler: string, showsPayloads: boolean) =>
  readShadow({ shadowReport: (name) => keptReport(folder, name), showsPayloads }, handler);

it("the last report of each handler is kept, whatever its name", async () => {
  expect(await keptReport(folder, "orders/bill")).toBeUndefined();
  await keepReport(folder, report("orders/bill"));
  await keepReport(folder, { ...report("orders/bill"), atMs: 6 });
  await keepReport(folder, report("orders.bill"));
  expect(await keptReport(folder, "orders/bill")).toEqual({ ...report("orders/bill"), atMs: 6 });
  expect(await keptReport(folder, "orders.bill")).toEqual(report("orders.bill"));
});

it("one that cannot be read is none", async () => {
  await keepReport(folder, report("bill"));
  writeFileSync(join(folder, "shadow-reports", "bill.json"), "{");
  expect(await keptReport(folder, "bill")).toBeUndefined();
  expect(await seen("bill", true)).toEqual({});
});

it("the page shows examples without what is named a secret, and none where payloads are not shown", async () => {
  await keepReport(folder, report("bill"));
  await keepReport(folder, report("sign", "publish signed: data.apiKey"));
  const examples = async (handler: string, showsPayloads: boolean) =>
    (await seen(handler, showsPayloads)).report?.differences[0]?.examples;
  expect(await examples("bill", true)).toEqual([{ sequence: 7, before: '{"password":"***"', after: '"x"' }]);
  expect(await examples("sign", true)).toEqual([{ sequence: 7, before: "***", after: "***" }]);
  expect(await examples("bill", false)).toEqual([]);
  expect((await seen("bill", false)).report?.differences[0]?.what).toBe("publish billed: data.sum");
});
