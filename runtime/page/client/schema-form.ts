// A form as a JSON Schema asks for it, and values to begin with. Pure. What a form cannot express is a field of JSON.

import {
  alternatives,
  type Fields,
  isNull,
  numberIn,
  propertiesOf,
  requiredOf,
  resolved,
  type Schema,
  textIn,
  typesOf,
} from "./json-schema.ts";
import type { Path } from "./schema-check.ts";

interface About {
  readonly title: string | undefined;
  readonly note: string | undefined;
  readonly isNullable: boolean;
  /** Of the field itself, to check and to begin with. */
  readonly schema: Schema;
}

export type Field = About & FieldKind;

type FieldKind =
  | { readonly kind: "text"; readonly format: string | undefined }
  | { readonly kind: "number"; readonly isWhole: boolean }
  | { readonly kind: "boolean" }
  | { readonly kind: "choice"; readonly values: readonly unknown[] }
  | { readonly kind: "object"; readonly fields: readonly NamedField[] }
  | { readonly kind: "list"; readonly entry: Field }
  | { readonly kind: "one-of"; readonly choices: readonly { readonly title: string; readonly field: Field }[] }
  | { readonly kind: "json" };

export interface NamedField {
  readonly name: string;
  readonly isRequired: boolean;
  readonly field: Field;
}

const MOST_DEPTH = 6;
const MOST_FIELDS = 100;
const MOST_IN_ALL = 500;
/** They make of a value what no form can say. */
const BEYOND = ["not", "if", "patternProperties", "allOf", "dependencies", "contains"];

export function fieldOf(schema: Schema): Field {
  return read(schema, { root: schema, left: MOST_IN_ALL }, 0);
}

/** A schema that refers to itself has no end. */
interface Reading {
  readonly root: Schema;
  /** So many fields more. */
  left: number;
}

function read(schema: Schema, reading: Reading, depth: number): Field {
  const { root } = reading;
  reading.left--;
  const own = resolved(schema, root);
  if (typeof own === "boolean") return { kind: "json", schema, title: undefined, note: undefined, isNullable: false };
  const nullable = withoutNull(own, root);
  const about = { title: textIn(own, "title"), note: textIn(own, "description"), schema: own };
  if (nullable !== undefined) return { ...about, ...read(nullable, reading, depth), schema: own, isNullable: true };
  return { ...about, ...kindOf(own, reading, depth), isNullable: false };
}

/** What it is when it is not null; undefined: it cannot be null. */
function withoutNull(schema: Fields, root: Schema): Schema | undefined {
  const types = typesOf(schema);
  if (types.length > 1 && types.includes("null")) {
    const rest = types.filter((type) => type !== "null");
    return { ...schema, type: rest.length === 1 ? rest[0] : rest };
  }
  const choices = alternatives(schema);
  const rest = choices?.filter((choice) => !isNull(resolved(choice, root)));
  if (choices === undefined || rest === undefined || rest.length === choices.length || rest.length === 0)
    return undefined;
  const { anyOf: _, oneOf: __, ...words } = schema;
  const [only] = rest;
  if (rest.length > 1 || only === undefined) return { ...words, anyOf: rest };
  return typeof only === "object" ? { ...words, ...only } : only;
}

function kindOf(schema: Fields, reading: Reading, depth: number): FieldKind {
  if ("const" in schema) return { kind: "choice", values: [schema.const] };
  if (Array.isArray(schema.enum)) return { kind: "choice", values: schema.enum };
  if (depth > MOST_DEPTH || reading.left <= 0 || BEYOND.some((keyword) => keyword in schema)) return { kind: "json" };
  const choices = alternatives(schema);
  if (choices !== undefined) {
    const fields = choices.map((choice) => read(choice, reading, depth + 1));
    return { kind: "one-of", choices: fields.map((field, at) => ({ title: titleOf(field, at), field })) };
  }
  const [type, ...more] = typesOf(schema);
  if (more.length > 0) return { kind: "json" };
  switch (type) {
    case "string":
      return { kind: "text", format: textIn(schema, "format") };
    case "integer":
    case "number":
      return { kind: "number", isWhole: type === "integer" };
    case "boolean":
      return { kind: "boolean" };
    case "array":
      return listOf(schema, reading, depth);
    case "object":
      return objectOf(schema, reading, depth);
    default:
      return { kind: "json" };
  }
}

function listOf({ items }: Fields, reading: Reading, depth: number): FieldKind {
  if (items === undefined || Array.isArray(items)) return { kind: "json" };
  return { kind: "list", entry: read(items as Schema, reading, depth + 1) };
}

/** Keys that are not named, as those of a record, no form can offer. */
function objectOf(schema: Fields, reading: Reading, depth: number): FieldKind {
  const properties = propertiesOf(schema);
  if (properties.length === 0 || properties.length > MOST_FIELDS) return { kind: "json" };
  const required = requiredOf(schema);
  const fields = properties.map(([name, inner]) => ({
    name,
    isRequired: required.has(name),
    field: read(inner, reading, depth + 1),
  }));
  return { kind: "object", fields };
}

function titleOf(field: Field, at: number): string {
  if (field.title !== undefined) return field.title;
  if (field.kind === "object") {
    const mark = field.fields.find(({ field: inner }) => inner.kind === "choice" && inner.values.length === 1);
    if (mark?.field.kind === "choice") return `${mark.name}: ${String(mark.field.values[0])}`;
  }
  const words = { text: "text", number: "number", boolean: "true or false", list: "list", json: "JSON" } as const;
  return field.kind in words ? words[field.kind as keyof typeof words] : `form ${at + 1}`;
}

/** A value to begin with: the schema's own example or default, else something that fits as far as can be seen. */
export function exampleOf({ schema, ...field }: Field): unknown {
  if (typeof schema === "object") {
    if (Array.isArray(schema.examples) && schema.examples.length > 0) return schema.examples[0];
    if ("default" in schema) return schema.default;
  }
  const fields: Fields = typeof schema === "object" ? schema : {};
  switch (field.kind) {
    case "choice":
      return field.values[0];
    case "text":
      return exampleText(field.format, fields);
    case "number":
      return exampleNumber(fields);
    case "boolean":
      return true;
    case "list":
      return Array.from({ length: Math.min(numberIn(fields, "minItems") ?? 1, 10) }, () => exampleOf(field.entry));
    case "object":
      return Object.fromEntries(
        field.fields.filter(({ isRequired }) => isRequired).map(({ name, field: inner }) => [name, exampleOf(inner)]),
      );
    case "one-of":
      return field.choices[0] === undefined ? null : exampleOf(field.choices[0].field);
    case "json":
      return typesOf(fields)[0] === "array" ? [] : typesOf(fields)[0] === "object" ? {} : null;
  }
}

function exampleText(format: string | undefined, schema: Fields): string {
  if (format === "uuid") return crypto.randomUUID();
  if (format === "date-time") return new Date().toISOString();
  if (format === "date") return new Date().toISOString().slice(0, 10);
  if (format === "email") return "ana@example.com";
  if (format === "uri") return "https://example.com/";
  const text = "text".padEnd(Math.min(numberIn(schema, "minLength") ?? 0, 1_000), "x");
  return text.slice(0, numberIn(schema, "maxLength") ?? text.length);
}

function exampleNumber(schema: Fields): number {
  const above = numberIn(schema, "exclusiveMinimum");
  const least = numberIn(schema, "minimum") ?? (above === undefined ? undefined : above + 1) ?? 1;
  const most = numberIn(schema, "maximum") ?? Number.POSITIVE_INFINITY;
  // What a language's numbers reach is no bound that anybody meant.
  const from = Math.abs(least) >= Number.MAX_SAFE_INTEGER ? 1 : least;
  return Math.min(from, most) * (numberIn(schema, "multipleOf") ?? 1);
}

/** With that at its place; undefined takes it away. Nothing of what was given changes. */
export function withAt(value: unknown, path: Path, to: unknown): unknown {
  const [first, ...rest] = path;
  if (first === undefined) return to;
  if (typeof first === "number") {
    const list = Array.isArray(value) ? value : [];
    const inner = withAt(list[first], rest, to);
    return inner === undefined ? list.filter((_, at) => at !== first) : list.toSpliced(first, 1, inner);
  }
  const object = typeof value === "object" && value !== null && !Array.isArray(value) ? value : {};
  const { [first]: before, ...others } = object as Record<string, unknown>;
  const inner = withAt(before, rest, to);
  if (inner === undefined) return others;
  return Object.hasOwn(object, first) ? { ...object, [first]: inner } : { ...others, [first]: inner };
}
