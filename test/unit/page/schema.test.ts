// Forms made from JSON Schemas: what they say of a value is what the schema's own library says.

import { describe, expect, it } from "vitest";
import { z } from "zod";
import { pathsOfLines } from "../../../runtime/page/client/json-lines.ts";
import type { Fields } from "../../../runtime/page/client/json-schema.ts";
import { problemsOf, textOfPath } from "../../../runtime/page/client/schema-check.ts";
import { exampleOf, type Field, fieldOf, withAt } from "../../../runtime/page/client/schema-form.ts";

const inJson = (schema: z.ZodType) => z.toJSONSchema(schema, { target: "draft-07", io: "input" }) as Fields;

const ORDER = z.object({
  id: z.uuid(),
  total: z.number().min(0),
  lines: z.array(z.object({ sku: z.string().min(1), count: z.int().positive() })).min(1),
  note: z.string().max(10).nullable(),
  kind: z.enum(["new", "again"]),
  pay: z.discriminatedUnion("by", [
    z.object({ by: z.literal("card"), last4: z.string().regex(/^\d{4}$/) }),
    z.object({ by: z.literal("cash") }),
  ]),
  gift: z.boolean().optional(),
  at: z.iso.datetime().optional(),
});
const GOOD = {
  id: "5f0c3f64-9c3b-4b54-8e0a-7c0f1f1f0a01",
  total: 1.5,
  lines: [{ sku: "a", count: 1 }],
  note: null,
  kind: "new",
  pay: { by: "card", last4: "4711" },
};

describe("what does not fit", () => {
  const wrong: readonly (readonly [change: object, where: string, text: RegExp])[] = [
    [{ id: "no id" }, "id", /uuid/],
    [{ id: undefined }, "id", /is required/],
    [{ total: -1 }, "total", /at least 0/],
    [{ total: "1" }, "total", /has to be a number/],
    [{ lines: [] }, "lines", /is empty/],
    [
      {
        lines: [
          { sku: "a", count: 1 },
          { sku: "", count: 1 },
        ],
      },
      "lines[1].sku",
      /is empty/,
    ],
    [{ lines: [{ sku: "a", count: 0.5 }] }, "lines[0].count", /whole number/],
    [{ lines: [{ sku: "a", count: 0 }] }, "lines[0].count", /more than 0/],
    [{ note: "far too long" }, "note", /none of what is allowed/],
    [{ kind: "old" }, "kind", /one of "new", "again"/],
    [{ pay: { by: "card", last4: "47" } }, "pay.last4", /does not fit/],
    [{ pay: { by: "card" } }, "pay.last4", /is required/],
    [{ pay: { by: "stone" } }, "pay", /none of what is allowed/],
    [{ gift: 1 }, "gift", /true or false/],
    [{ at: "yesterday" }, "at", /date-time/],
  ];
  it.each(wrong)("%j is found at its place", (change, where, text) => {
    const value = JSON.parse(JSON.stringify({ ...GOOD, ...change }));
    expect(ORDER.safeParse(value).success).toBe(false);
    const problems = problemsOf(value, inJson(ORDER)).map((problem) => [textOfPath(problem.path), problem.text]);
    expect(problems).toEqual([[where, expect.stringMatching(text)]]);
  });

  it("what fits has nothing against it, also where it refers to itself", () => {
    expect(problemsOf(GOOD, inJson(ORDER))).toEqual([]);
    const tree = z.object({
      name: z.string(),
      get children() {
        return z.array(tree).optional();
      },
    });
    const grown = { name: "a", children: [{ name: "b", children: [{ name: "c" }] }] };
    expect(problemsOf(grown, inJson(tree))).toEqual([]);
    const bad = { name: "a", children: [{ name: "b", children: [{ name: 1 }] }] };
    expect(problemsOf(bad, inJson(tree)).map(({ path }) => textOfPath(path))).toEqual(["children[0].children[0].name"]);
  });

  it("what it does not know it lets pass, and a pattern of another language too", () => {
    expect(problemsOf("x", { type: "string", format: "colour", pattern: "(?i)x", shines: true })).toEqual([]);
  });
});

describe("a form", () => {
  const kindsOf = (field: Field) =>
    field.kind === "object" ? Object.fromEntries(field.fields.map(({ name, field: inner }) => [name, inner.kind])) : {};

  it("has a field for each part, by its kind, and says what may be left out or null", () => {
    const form = fieldOf(inJson(ORDER));
    expect(kindsOf(form)).toEqual({
      id: "text",
      total: "number",
      lines: "list",
      note: "text",
      kind: "choice",
      pay: "one-of",
      gift: "boolean",
      at: "text",
    });
    const fields = form.kind === "object" ? form.fields : [];
    expect(fields.filter(({ isRequired }) => !isRequired).map(({ name }) => name)).toEqual(["gift", "at"]);
    expect(fields.filter(({ field }) => field.isNullable).map(({ name }) => name)).toEqual(["note"]);
    const pay = fields.find(({ name }) => name === "pay")?.field;
    expect(pay?.kind === "one-of" && pay.choices.map(({ title }) => title)).toEqual(["by: card", "by: cash"]);
  });

  it("begins with a value that fits, as far as a form can see", () => {
    const simple = ORDER.omit({ pay: true });
    const example = exampleOf(fieldOf(inJson(simple)));
    expect(simple.safeParse(example)).toMatchObject({ success: true });
    expect(exampleOf(fieldOf({ type: "string", default: "as said" }))).toBe("as said");
    expect(exampleOf(fieldOf({ type: "string", examples: ["first", "second"] }))).toBe("first");
  });

  it("leaves to JSON what it cannot express, that part only", () => {
    const odd = {
      type: "object",
      properties: { any: {}, map: { type: "object" }, not: { not: {} }, text: { type: "string" } },
    };
    expect(kindsOf(fieldOf(odd))).toEqual({ any: "json", map: "json", not: "json", text: "text" });
    expect(fieldOf(true).kind).toBe("json");
  });

  it("ends, though the schema refers to itself in many ways", () => {
    const names = Array.from({ length: 20 }, (_, at) => `n${at}`);
    const properties = Object.fromEntries(names.map((name) => [name, { $ref: "#" }]));
    expect(JSON.stringify(fieldOf({ type: "object", properties })).length).toBeLessThan(3_000_000);
    expect(fieldOf({ $ref: "#" }).kind).toBe("json");
  });

  it("changes one place, and nothing else", () => {
    const value = { a: [1, { b: 2 }], c: 3 };
    expect(withAt(value, ["a", 1, "b"], 9)).toEqual({ a: [1, { b: 9 }], c: 3 });
    expect(withAt(value, ["c"], undefined)).toEqual({ a: [1, { b: 2 }] });
    expect(withAt(value, ["a", 0], undefined)).toEqual({ a: [{ b: 2 }], c: 3 });
    expect(withAt(undefined, ["x", "y"], 1)).toEqual({ x: { y: 1 } });
    expect(value).toEqual({ a: [1, { b: 2 }], c: 3 });
    expect(Object.keys(withAt(JSON.parse('{"__proto__":1}'), ["constructor"], 2) as object).sort()).toEqual([
      "__proto__",
      "constructor",
    ]);
  });
});

it("each line of laid out JSON leads to its place", () => {
  const value = { 'a"b': [1, { c: "x: {" }, []], d: {}, e: null };
  const text = JSON.stringify(value, null, 2);
  const paths = pathsOfLines(text).map((path) => path && textOfPath(path));
  expect(paths).toEqual([
    "",
    'a"b',
    'a"b[0]',
    'a"b[1]',
    'a"b[1].c',
    undefined,
    'a"b[2]',
    undefined,
    "d",
    "e",
    undefined,
  ]);
});
