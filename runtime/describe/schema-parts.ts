// The parts of a JSON Schema that a comparison asks for. Pure. Source of the keywords: JSON Schema draft-07.

export type JsonSchema = boolean | { readonly [keyword: string]: unknown };
export type Fields = { readonly [keyword: string]: unknown };

export interface Side {
  readonly schema: JsonSchema;
  /** Where `#/definitions/...` points into. */
  readonly root: JsonSchema;
}

const TYPES = ["null", "boolean", "object", "array", "number", "string"] as const;
/** References that lead to references. */
const MOST_HOPS = 32;
/** They say nothing of a value. */
export const WORDS_ONLY = [
  ...[
    "$schema",
    "$id",
    "$comment",
    "title",
    "description",
    "default",
    "examples",
    "deprecated",
    "readOnly",
    "writeOnly",
  ],
  ...["definitions", "$defs"],
];

/** What it may be, one by one; undefined: it is one thing. */
export function alternatives(side: Side): Side[] | undefined {
  if (typeof side.schema === "boolean") return undefined;
  const { anyOf, oneOf, allOf, ...rest } = side.schema;
  const choices = anyOf ?? oneOf;
  if (Array.isArray(choices)) {
    return choices.map((choice: JsonSchema) => ({ ...side, schema: merged(rest, choice, side.root) }));
  }
  if (Array.isArray(allOf)) {
    return [
      { ...side, schema: allOf.reduce<JsonSchema>((all, one) => merged(all, one as JsonSchema, side.root), rest) },
    ];
  }
  return undefined;
}

/** Both hold. Where they say the same word differently, the second. */
function merged(first: JsonSchema, second: JsonSchema, root: JsonSchema): JsonSchema {
  const { schema } = resolved({ schema: second, root });
  if (typeof first === "boolean") return first ? schema : false;
  if (typeof schema === "boolean") return schema ? first : false;
  const properties = { ...propertiesOf(first), ...propertiesOf(schema) };
  const required = [...new Set([...requiredOf(first), ...requiredOf(schema)])];
  return {
    ...first,
    ...schema,
    ...(Object.keys(properties).length === 0 ? {} : { properties }),
    ...(required.length === 0 ? {} : { required }),
  };
}

export function resolved(side: Side): Side {
  let { schema } = side;
  for (let hops = 0; hops < MOST_HOPS && typeof schema === "object" && typeof schema.$ref === "string"; hops++) {
    schema = lookUp(schema.$ref, side.root);
  }
  return { ...side, schema };
}

function lookUp(reference: string, root: JsonSchema): JsonSchema {
  const words = reference.replace(/^#\/?/, "").split("/").filter(Boolean);
  let at: unknown = root;
  for (const word of words) at = (at as Fields | undefined)?.[word.replace(/~1/g, "/").replace(/~0/g, "~")];
  return (at ?? true) as JsonSchema;
}

export function typesOf(fields: Fields): Set<string> {
  const values = valuesOf(fields);
  if (values !== undefined) return new Set(values.map(typeOfValue));
  const { type } = fields;
  if (type === undefined) return new Set(TYPES);
  return new Set((Array.isArray(type) ? type : [type]).map((one) => (one === "integer" ? "number" : String(one))));
}

export function onlyIntegers({ type }: Fields): boolean {
  const types = Array.isArray(type) ? type : [type];
  return types.includes("integer") && !types.includes("number");
}

function typeOfValue(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}

export function valuesOf(fields: Fields): readonly unknown[] | undefined {
  if ("const" in fields) return [fields.const];
  return Array.isArray(fields.enum) ? fields.enum : undefined;
}

export function tuple({ items }: Fields): readonly JsonSchema[] | undefined {
  return Array.isArray(items) ? items : undefined;
}

export function propertiesOf({ properties }: Fields): Readonly<Record<string, JsonSchema>> {
  return (properties ?? {}) as Record<string, JsonSchema>;
}

export function requiredOf({ required }: Fields): Set<string> {
  return new Set(Array.isArray(required) ? (required as string[]) : []);
}

export function isAnything(schema: JsonSchema): boolean {
  return typeof schema === "object" && Object.keys(schema).every((keyword) => WORDS_ONLY.includes(keyword));
}

export function same(a: Side, b: Side): boolean {
  return (
    canonical(a.schema) === canonical(b.schema) && (canonical(a.root) === canonical(b.root) || !hasReference(a.schema))
  );
}

function hasReference(schema: JsonSchema): boolean {
  return JSON.stringify(schema).includes('"$ref"');
}

/** The same text for the same value, whatever the order of its keys. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => sortedKeys(inner)) ?? "undefined";
}

function sortedKeys(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
