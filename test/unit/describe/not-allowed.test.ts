import { describe, expect, it } from "vitest";
import { z } from "zod";
import { notAllowed } from "../../../runtime/describe/not-allowed.ts";
import type { JsonSchema } from "../../../runtime/describe/schema-parts.ts";

const id = z.string();
const jsonOf = (schema: z.ZodType) =>
  z.toJSONSchema(schema, { target: "draft-7", io: "input", unrepresentable: "any" }) as JsonSchema;

const tree = (leaf: z.ZodType) => {
  const node: z.ZodType = z.object({
    leaf,
    get children() {
      return z.array(node).optional();
    },
  });
  return node;
};

/** What changes, before and after; whether a handler with it refuses what came before, and a publisher sends what is new. */
const CHANGES: readonly (readonly [
  what: string,
  before: z.ZodType,
  after: z.ZodType,
  taken: boolean,
  sent: boolean,
])[] = [
  ["nothing", z.object({ id }), z.object({ id }), true, true],
  ["an optional field more", z.object({ id }), z.object({ id, note: z.string().optional() }), true, true],
  ["a field with a default more", z.object({ id }), z.object({ id, note: z.string().default("") }), true, true],
  ["a required field more", z.object({ id }), z.object({ id, note: z.string() }), false, true],
  ["an optional field less", z.object({ id, note: z.string().optional() }), z.object({ id }), true, true],
  ["a required field less", z.object({ id, note: z.string() }), z.object({ id }), true, false],
  ["a field that becomes optional", z.object({ id }), z.object({ id: id.optional() }), true, false],
  ["a field that becomes required", z.object({ id: id.optional() }), z.object({ id }), false, true],
  ["a field of another type", z.object({ id }), z.object({ id: z.number() }), false, false],
  ["a field renamed", z.object({ id }), z.object({ key: id }), false, false],
  ["null allowed", z.object({ id }), z.object({ id: id.nullable() }), true, false],
  ["null refused", z.object({ id: id.nullable() }), z.object({ id }), false, true],
  ["integers become numbers", z.object({ n: z.int() }), z.object({ n: z.number() }), true, false],
  ["numbers become integers", z.object({ n: z.number() }), z.object({ n: z.int() }), false, true],
  ["one choice more", z.enum(["a", "b"]), z.enum(["a", "b", "c"]), true, false],
  ["one choice less", z.enum(["a", "b", "c"]), z.enum(["a", "b"]), false, true],
  ["a text becomes a choice", z.string(), z.enum(["a"]), false, true],
  ["a higher maximum", z.number().max(5), z.number().max(6), true, false],
  ["a lower maximum", z.number().max(5), z.number().max(4), false, true],
  ["from 0 becomes above 0", z.number().min(0), z.number().gt(0), false, true],
  ["above 0 becomes from 1", z.number().gt(0), z.number().min(1), false, true],
  ["longer texts", z.string().max(10), z.string().max(20), true, false],
  ["a shortest length", z.string(), z.string().min(1), false, true],
  ["a format", z.string(), z.uuid(), false, true],
  ["another format", z.uuid(), z.email(), false, false],
  ["a pattern less", z.string().regex(/^a/), z.string(), true, false],
  ["a type more in a union", z.string(), z.union([z.string(), z.number()]), true, false],
  ["a type less in a union", z.union([z.string(), z.number()]), z.string(), false, true],
  ["a union in another order", z.union([z.string(), z.number()]), z.union([z.number(), z.string()]), true, true],
  [
    "a kind more in a tagged union",
    z.discriminatedUnion("k", [z.object({ k: z.literal("a"), n: z.number() })]),
    z.discriminatedUnion("k", [z.object({ k: z.literal("a"), n: z.number() }), z.object({ k: z.literal("b") })]),
    true,
    false,
  ],
  [
    "a required field more in one kind of a tagged union",
    z.discriminatedUnion("k", [z.object({ k: z.literal("a") }), z.object({ k: z.literal("b") })]),
    z.discriminatedUnion("k", [z.object({ k: z.literal("a"), n: z.number() }), z.object({ k: z.literal("b") })]),
    false,
    true,
  ],
  ["items of another type", z.array(z.string()), z.array(z.number()), false, false],
  ["items with a field more", z.array(z.object({ id })), z.array(z.object({ id, n: z.number() })), false, true],
  ["at least one item", z.array(id), z.array(id).min(1), false, true],
  ["one place of a tuple changed", z.tuple([z.string(), z.number()]), z.tuple([z.string(), z.string()]), false, false],
  ["other fields refused", z.object({ id }), z.strictObject({ id }), false, true],
  ["other fields allowed", z.strictObject({ id }), z.object({ id }), true, false],
  [
    "a named field more where others are refused",
    z.strictObject({ id }),
    z.strictObject({ id, n: z.number().optional() }),
    true,
    false,
  ],
  ["values of a record", z.record(z.string(), z.number()), z.record(z.string(), z.string()), false, false],
  ["a description", z.object({ id: id.describe("one") }), z.object({ id: id.describe("another") }), true, true],
  ["anything becomes an object", z.unknown(), z.object({}), false, true],
  [
    "a field deep inside",
    z.object({ a: z.object({ b: z.object({ c: id }) }) }),
    z.object({ a: z.object({ b: z.object({ c: id, d: id }) }) }),
    false,
    true,
  ],
  ["one that holds itself, unchanged", tree(z.string()), tree(z.string()), true, true],
  ["one that holds itself, with another leaf", tree(z.string()), tree(z.number()), false, false],
  [
    "an intersection, taken apart",
    z.object({ id, n: z.number() }),
    z.intersection(z.object({ id }), z.object({ n: z.number() })),
    true,
    true,
  ],
];

describe("a schema that changes", () => {
  it.each(CHANGES)("by %s", (_what, before, after, taken, sent) => {
    const [old, now] = [jsonOf(before), jsonOf(after)];
    expect({ taken: notAllowed(now, old).length === 0, sent: notAllowed(old, now).length === 0 }).toEqual({
      taken,
      sent,
    });
  });

  it("is told by place and rule", () => {
    const before = jsonOf(z.object({ lines: z.array(z.object({ price: z.number() })) }));
    const after = jsonOf(z.object({ lines: z.array(z.object({ price: z.int(), currency: z.string() })) }));
    expect(notAllowed(after, before)).toEqual([
      { path: "lines[].currency", rule: "required", text: "is required, and may be missing" },
      { path: "lines[].price", rule: "type", text: "may be a fraction, and only integers are allowed" },
    ]);
  });

  it("by a word that is not understood is a finding", () => {
    const findings = notAllowed({ type: "object", if: { required: ["a"] } }, { type: "object" });
    expect(findings).toEqual([expect.objectContaining({ rule: "if" })]);
  });
});
