// JSON Schema as the page reads it: what a value is to be, with references followed and "or null" told apart. Pure.
// Source of the keywords: JSON Schema draft-07.

export type Schema = boolean | Fields;
export type Fields = { readonly [keyword: string]: unknown };

/** References that lead to references. */
const MOST_HOPS = 32;

/** With its reference followed, whatever stood beside it kept. */
export function resolved(schema: Schema, root: Schema): Schema {
  let now = schema;
  for (let hops = 0; hops < MOST_HOPS && typeof now === "object" && typeof now.$ref === "string"; hops++) {
    const { $ref, ...beside } = now;
    const target = lookUp($ref as string, root);
    now = typeof target === "object" ? { ...target, ...beside } : target;
  }
  return now;
}

function lookUp(reference: string, root: Schema): Schema {
  const words = reference.replace(/^#\/?/, "").split("/").filter(Boolean);
  let at: unknown = root;
  for (const word of words) {
    const name = word.replace(/~1/g, "/").replace(/~0/g, "~");
    at = typeof at === "object" && at !== null && Object.hasOwn(at, name) ? (at as Fields)[name] : undefined;
  }
  return (at ?? true) as Schema;
}

/** What it may be, one by one; undefined: it is one thing. */
export function alternatives({ anyOf, oneOf }: Fields): readonly Schema[] | undefined {
  const choices = anyOf ?? oneOf;
  return Array.isArray(choices) ? choices : undefined;
}

export function propertiesOf({ properties }: Fields): readonly (readonly [name: string, schema: Schema])[] {
  return typeof properties === "object" && properties !== null
    ? Object.entries(properties as Fields as Record<string, Schema>)
    : [];
}

export function requiredOf({ required }: Fields): ReadonlySet<string> {
  return new Set(Array.isArray(required) ? (required as string[]) : []);
}

/** `null` among them is told apart. */
export function typesOf({ type }: Fields): readonly string[] {
  return type === undefined ? [] : Array.isArray(type) ? type.map(String) : [String(type)];
}

export function isNull(schema: Schema): boolean {
  return typeof schema === "object" && (schema.type === "null" || ("const" in schema && schema.const === null));
}

export function numberIn(fields: Fields, keyword: string): number | undefined {
  const value = fields[keyword];
  return typeof value === "number" ? value : undefined;
}

export function textIn(fields: Fields, keyword: string): string | undefined {
  const value = fields[keyword];
  return typeof value === "string" ? value : undefined;
}
