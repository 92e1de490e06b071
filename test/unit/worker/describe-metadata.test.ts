// Metadata beyond all measure: it is refused by name, and costs the supervisor nothing to read.

import { expect, it } from "vitest";
import { parseMetadata } from "../../../runtime/metadata/parse.ts";
import { describeMetadata } from "../../../runtime/worker/describe-metadata.ts";
import { DEFAULTS } from "../../support/handler-defaults.ts";

const many = <T>(count: number, value: T) => Array.from({ length: count }, () => value);
const keys = (count: number) => Object.fromEntries(many(count, 0).map((_, at) => [`key${at}`, 1]));
const deep = (depth: number): unknown => (depth === 0 ? 1 : many(20, 0).map(() => deep(depth - 1)));

/** What is said of it, once it has crossed; the JSON that crossed is never long. */
function refused(metadata: unknown): string {
  const json = JSON.stringify(describeMetadata(metadata));
  expect(json.length).toBeLessThan(3 * 1024 * 1024);
  const parsed = parseMetadata(JSON.parse(json), DEFAULTS, { handler: "h", file: "handlers/h.ts" });
  if (parsed.ok) return "nothing";
  expect(parsed.error.message.length).toBeLessThan(20_000);
  return parsed.error.message;
}

it("as much as is allowed is read", () => {
  const publishes = many(1_000, "").map((_, at) => `orders.created.by.customer.${at}`);
  expect(refused({ subject: "a", publishes })).toBe("nothing");
});

it("a list, a text, an object beyond all measure is refused, by the name of handler and option", () => {
  const lists = "must have at most 1,000 entries; received 1000000";
  expect(refused({ subject: "a", publishes: new Array(1_000_000) })).toBe(`handler "h": metadata.publishes ${lists}`);
  expect(refused({ subject: "a", publishes: many(1_001, "b") })).toMatch(/publishes .*received 1001$/);
  expect(refused({ subject: "a", env: new Array(1_000_000) })).toBe(`handler "h": metadata.env ${lists}`);
  expect(refused({ subject: "a", kind: "durable", retry: { backoff: new Array(1_000_000) } })).toContain(lists);
  expect(refused({ subject: "x".repeat(10_000_000) })).toMatch(/received a text of 10000000 characters$/);
  expect(refused({ subject: "a", description: "x".repeat(10_000_000) })).toMatch(/received a text of 10000000 char/);
  expect(refused(keys(50_000))).toMatch(/must be an object .*received an object of 50000 keys$/);
  expect(refused({ subject: "a", ...keys(900) })).toMatch(/has 900 problems:(\n.*){20}\n {2}and 880 more$/);
  expect(refused({ subject: "a", retry: deep(4) })).toContain("metadata.retry must be an object");
  expect(refused({ subject: "a", publishes: many(1_000, "x".repeat(4_000)) })).toContain("metadata.publishes");
});
