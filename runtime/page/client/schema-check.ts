// What of a value does not fit a JSON Schema, and where. Pure.
//
// Only the handler's own schema decides: a form says what it can see. What it does not know it lets pass.

import {
  alternatives,
  type Fields,
  numberIn,
  propertiesOf,
  requiredOf,
  resolved,
  type Schema,
  textIn,
  typesOf,
} from "./json-schema.ts";

export type Path = readonly (string | number)[];

export interface Problem {
  readonly path: Path;
  /** `is required`, `has to be at least 1`. */
  readonly text: string;
}

const MOST_DEPTH = 30;
const FORMATS: Readonly<Record<string, RegExp>> = {
  uuid: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i,
  "date-time": /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:?\d\d)$/,
  date: /^\d{4}-\d\d-\d\d$/,
  email: /^[^\s@]+@[^\s@]+$/,
};

export function problemsOf(value: unknown, schema: Schema): Problem[] {
  return check(value, schema, { root: schema, path: [] });
}

export function textOfPath(path: Path): string {
  return path.map((part, at) => (typeof part === "number" ? `[${part}]` : at === 0 ? part : `.${part}`)).join("");
}

interface At {
  readonly root: Schema;
  readonly path: Path;
}

function check(value: unknown, given: Schema, at: At): Problem[] {
  const schema = resolved(given, at.root);
  if (schema === false) return [{ path: at.path, text: "is not allowed" }];
  if (schema === true || at.path.length > MOST_DEPTH) return [];
  const wrong = wrongValue(value, schema);
  if (wrong !== undefined) return [{ path: at.path, text: wrong }];
  return [
    ...ofAlternatives(value, schema, at),
    ...(Array.isArray(schema.allOf) ? schema.allOf.flatMap((one: Schema) => check(value, one, at)) : []),
    ...within(value, schema, at),
  ];
}

/** The value by itself: its kind and its size. */
function wrongValue(value: unknown, schema: Fields): string | undefined {
  if ("const" in schema && !same(value, schema.const)) return `has to be ${JSON.stringify(schema.const)}`;
  if (Array.isArray(schema.enum) && !schema.enum.some((one) => same(one, value)))
    return `has to be one of ${schema.enum.map((one) => JSON.stringify(one)).join(", ")}`;
  const types = typesOf(schema);
  if (types.length > 0 && !types.some((type) => isOfType(value, type)))
    return `has to be ${types.map(wordFor).join(" or ")}`;
  if (typeof value === "string") return wrongText(value, schema);
  if (typeof value === "number") return wrongNumber(value, schema);
  return Array.isArray(value) ? wrongLength(value.length, schema, ["minItems", "maxItems"], "entries") : undefined;
}

function wrongText(value: string, schema: Fields): string | undefined {
  const length = wrongLength([...value].length, schema, ["minLength", "maxLength"], "characters");
  if (length !== undefined) return length;
  const [format = "", pattern] = [textIn(schema, "format"), textIn(schema, "pattern")];
  const known = Object.hasOwn(FORMATS, format) ? FORMATS[format] : undefined;
  if (known !== undefined && !known.test(value)) return `is no ${format}`;
  return pattern === undefined || fitsPattern(value, pattern)
    ? undefined
    : `does not fit ${format === "" ? pattern : format}`;
}

/** A pattern of the author's, and a text of anybody's: some take long for a long one. */
const MOST_MATCHED_CHARS = 1_000;

function fitsPattern(value: string, pattern: string): boolean {
  if (value.length > MOST_MATCHED_CHARS) return true;
  try {
    return new RegExp(pattern, "u").test(value);
  } catch {
    return true; // Not a pattern of this language.
  }
}

function wrongNumber(value: number, schema: Fields): string | undefined {
  const [least, most] = [numberIn(schema, "minimum"), numberIn(schema, "maximum")];
  const [above, below] = [numberIn(schema, "exclusiveMinimum"), numberIn(schema, "exclusiveMaximum")];
  const step = numberIn(schema, "multipleOf");
  if (least !== undefined && value < least) return `has to be at least ${least}`;
  if (most !== undefined && value > most) return `has to be at most ${most}`;
  if (above !== undefined && value <= above) return `has to be more than ${above}`;
  if (below !== undefined && value >= below) return `has to be less than ${below}`;
  const isStep = step === undefined || step <= 0 || Math.abs(value / step - Math.round(value / step)) < 1e-9;
  return isStep ? undefined : `has to be a multiple of ${step}`;
}

function wrongLength(
  length: number,
  schema: Fields,
  [min, max]: readonly [string, string],
  what: string,
): string | undefined {
  const [least, most] = [numberIn(schema, min), numberIn(schema, max)];
  if (least !== undefined && length < least) return least === 1 ? "is empty" : `has to have at least ${least} ${what}`;
  return most !== undefined && length > most ? `has to have at most ${most} ${what}` : undefined;
}

/** Of several that do not fit, the one that comes nearest says what is wrong. */
function ofAlternatives(value: unknown, schema: Fields, at: At): Problem[] {
  const choices = alternatives(schema);
  if (choices === undefined) return [];
  const found = choices.map((choice) => check(value, choice, at));
  if (found.some((problems) => problems.length === 0)) return [];
  const near = found.filter(
    (problems) => problems.every(({ path }) => path.length > at.path.length) && isMeant(problems, at),
  );
  const [nearest] = near.sort((a, b) => a.length - b.length);
  return nearest ?? (found.length === 1 ? found[0]! : [{ path: at.path, text: "is none of what is allowed" }]);
}

/** One whose mark says another is meant does not come near. */
function isMeant(problems: readonly Problem[], { path }: At): boolean {
  return !problems.some((one) => one.path.length === path.length + 1 && /^has to be "/.test(one.text));
}

function within(value: unknown, schema: Fields, at: At): Problem[] {
  if (Array.isArray(value)) return inList(value, schema, at);
  if (typeof value !== "object" || value === null) return [];
  const named = new Map(propertiesOf(schema));
  const missing = [...requiredOf(schema)].filter((name) => !Object.hasOwn(value, name));
  const problems = missing.map((name): Problem => ({ path: [...at.path, name], text: "is required" }));
  for (const [name, inner] of Object.entries(value)) {
    const rest = (schema.additionalProperties ?? true) as Schema;
    const own = named.get(name) ?? rest;
    const path = [...at.path, name];
    if (own === false) problems.push({ path, text: "is not known to the schema" });
    else problems.push(...check(inner, own, { ...at, path }));
  }
  return problems;
}

function inList(list: readonly unknown[], { items, additionalItems }: Fields, at: At): Problem[] {
  return list.flatMap((entry, index) => {
    const schema = Array.isArray(items) ? (items[index] ?? additionalItems ?? true) : (items ?? true);
    return check(entry, schema as Schema, { ...at, path: [...at.path, index] });
  });
}

function isOfType(value: unknown, type: string): boolean {
  if (type === "null") return value === null;
  if (type === "array") return Array.isArray(value);
  if (type === "integer") return Number.isInteger(value);
  if (type === "object") return typeof value === "object" && value !== null && !Array.isArray(value);
  return typeof value === type;
}

function wordFor(type: string): string {
  if (type === "null") return "null";
  if (type === "boolean") return "true or false";
  if (type === "string") return "a text";
  if (type === "integer") return "a whole number";
  return type === "array" ? "a list" : type === "object" ? "an object" : `a ${type}`;
}

function same(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}
