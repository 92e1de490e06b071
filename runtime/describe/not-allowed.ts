// Whether one JSON Schema allows everything that another one does. Pure.
//
// S1  What is not understood, and differs, is a finding: a doubt is told, never passed over.
// S2  Findings name the place in the message, as in `items[].price`.

import {
  alternatives,
  canonical,
  type Fields,
  isAnything,
  type JsonSchema,
  onlyIntegers,
  propertiesOf,
  requiredOf,
  resolved,
  type Side,
  same,
  tuple,
  typesOf,
  valuesOf,
  WORDS_ONLY,
} from "./schema-parts.ts";

/** Why something that `narrow` allows may be refused by `wide`. */
export interface Finding {
  /** In the message; empty: the whole of it. */
  readonly path: string;
  /** The keyword, or `structure`. */
  readonly rule: string;
  /** The end of a sentence about the place: "is required, and was not". */
  readonly text: string;
}

/** Beyond it schemas go round in circles. */
const MAX_DEPTH = 32;

/** Empty: `wide` allows all that `narrow` does. */
export function notAllowed(wide: JsonSchema, narrow: JsonSchema): Finding[] {
  return compare({ schema: wide, root: wide }, { schema: narrow, root: narrow }, "", 0);
}

function compare(wide: Side, narrow: Side, path: string, depth: number): Finding[] {
  if (depth > MAX_DEPTH || same(wide, narrow)) return [];
  const [to, from] = [resolved(wide), resolved(narrow)];
  if (to.schema === true || from.schema === false || isAnything(to.schema)) return [];
  const options = alternatives(from);
  if (options !== undefined) return options.flatMap((option) => compare(to, option, path, depth + 1));
  const allowed = alternatives(to);
  if (allowed !== undefined) return compareWithOneOf(allowed, from, path, depth);
  if (to.schema === false) return [{ path, rule: "structure", text: "is not allowed any more" }];
  const fields = from.schema === true ? {} : (from.schema as Fields);
  return compareFields({ ...to, schema: to.schema as Fields }, { ...from, schema: fields }, path, depth);
}

/** Of several that it may be, one has to allow all. */
function compareWithOneOf(allowed: readonly Side[], from: Side, path: string, depth: number): Finding[] {
  const tried = allowed.map((option) => compare(option, from, path, depth + 1));
  const [fewest = []] = tried.sort((a, b) => a.length - b.length);
  if (fewest.length === 0 || allowed.length === 1) return fewest;
  return [{ path, rule: "anyOf", text: `is none of what is allowed (${fewest[0]?.text})` }];
}

interface FieldSide {
  readonly schema: Fields;
  readonly root: JsonSchema;
}

function compareFields(wide: FieldSide, narrow: FieldSide, path: string, depth: number): Finding[] {
  const types = compareTypes(wide.schema, narrow.schema, path);
  if (types.length > 0) return types;
  const values = compareValues(wide.schema, narrow.schema, path);
  // What it may be is counted up: no bound says more.
  if (valuesOf(narrow.schema) !== undefined) return values;
  const may = typesOf(narrow.schema);
  return [
    ...values,
    ...(may.has("number") ? compareNumbers(wide.schema, narrow.schema, path) : []),
    ...(may.has("string") ? compareStrings(wide.schema, narrow.schema, path) : []),
    ...(may.has("array") ? compareArrays(wide, narrow, path, depth) : []),
    ...(may.has("object") ? compareObjects(wide, narrow, path, depth) : []),
    ...compareRest(wide.schema, narrow.schema, path),
  ];
}

function compareTypes(wide: Fields, narrow: Fields, path: string): Finding[] {
  const [allowed, may] = [typesOf(wide), typesOf(narrow)];
  const extra = [...may].filter((type) => !allowed.has(type));
  if (extra.length > 0) return [{ path, rule: "type", text: `may be ${extra.join(" or ")}, which is not allowed` }];
  if (may.has("number") && onlyIntegers(wide) && !onlyIntegers(narrow) && valuesOf(narrow) === undefined)
    return [{ path, rule: "type", text: "may be a fraction, and only integers are allowed" }];
  return [];
}

/** `const` and `enum`. */
function compareValues(wide: Fields, narrow: Fields, path: string): Finding[] {
  const allowed = valuesOf(wide);
  if (allowed === undefined) return [];
  const may = valuesOf(narrow);
  if (may === undefined) return [{ path, rule: "enum", text: `may be anything, and only ${list(allowed)} is allowed` }];
  const known = new Set(allowed.map(canonical));
  const extra = may.filter((value) => !known.has(canonical(value)));
  return extra.length === 0 ? [] : [{ path, rule: "enum", text: `may be ${list(extra)}, which is not allowed` }];
}

/** Keyword, what holds where it is not stated, and whether a larger value allows more. */
type Bounds = readonly (readonly [keyword: string, unstated: number, grows: boolean])[];
const STRING_BOUNDS = sizes("minLength", "maxLength");
const ARRAY_BOUNDS = sizes("minItems", "maxItems");
const OBJECT_BOUNDS = sizes("minProperties", "maxProperties");

function sizes(least: string, most: string): Bounds {
  return [
    [least, 0, false],
    [most, Number.POSITIVE_INFINITY, true],
  ];
}

function compareBounds(wide: Fields, narrow: Fields, path: string, bounds: Bounds): Finding[] {
  return bounds.flatMap(([keyword, unstated, grows]) => {
    const [allowed, has] = [wide, narrow].map((side) => numberOf(side[keyword], unstated)) as [number, number];
    return (grows ? has <= allowed : has >= allowed) ? [] : [beyond(path, keyword, allowed)];
  });
}

/** A bound that is itself left out is the narrower one. */
function compareNumbers(wide: Fields, narrow: Fields, path: string): Finding[] {
  const lowest = Number.NEGATIVE_INFINITY;
  const highest = Number.POSITIVE_INFINITY;
  const at = (side: Fields, keyword: string, unstated: number) => numberOf(side[keyword], unstated);
  const [least, above] = [at(wide, "minimum", lowest), at(wide, "exclusiveMinimum", lowest)];
  const [most, below] = [at(wide, "maximum", highest), at(wide, "exclusiveMaximum", highest)];
  const [hasLeast, hasAbove] = [at(narrow, "minimum", lowest), at(narrow, "exclusiveMinimum", lowest)];
  const [hasMost, hasBelow] = [at(narrow, "maximum", highest), at(narrow, "exclusiveMaximum", highest)];
  return [
    Math.max(hasLeast, hasAbove) >= least ? [] : [beyond(path, "minimum", least)],
    hasAbove >= above || hasLeast > above ? [] : [beyond(path, "exclusiveMinimum", above)],
    Math.min(hasMost, hasBelow) <= most ? [] : [beyond(path, "maximum", most)],
    hasBelow <= below || hasMost < below ? [] : [beyond(path, "exclusiveMaximum", below)],
  ].flat();
}

function beyond(path: string, rule: string, bound: number): Finding {
  return { path, rule, text: `may go beyond ${rule} ${bound}` };
}

function numberOf(value: unknown, unstated: number): number {
  return typeof value === "number" ? value : unstated;
}

function compareStrings(wide: Fields, narrow: Fields, path: string): Finding[] {
  const findings = compareBounds(wide, narrow, path, STRING_BOUNDS);
  // A format that converters write as a pattern too is the same whichever they write.
  const isSameFormat = wide.format !== undefined && wide.format === narrow.format;
  for (const keyword of isSameFormat ? ["format"] : ["format", "pattern"]) {
    const allowed = wide[keyword];
    if (allowed !== undefined && allowed !== narrow[keyword])
      findings.push({ path, rule: keyword, text: `may be other than ${keyword} ${JSON.stringify(allowed)}` });
  }
  return findings;
}

function compareArrays(wide: FieldSide, narrow: FieldSide, path: string, depth: number): Finding[] {
  const findings = compareBounds(wide.schema, narrow.schema, path, ARRAY_BOUNDS);
  const [allowed, has] = [wide.schema, narrow.schema];
  if (allowed.uniqueItems === true && has.uniqueItems !== true)
    findings.push({ path, rule: "uniqueItems", text: "may have an item twice" });
  if (Array.isArray(allowed.items) || Array.isArray(has.items)) {
    // A tuple stays one, place by place.
    const [wides, narrows] = [tuple(allowed), tuple(has)];
    if (narrows === undefined) return [...findings, { path, rule: "items", text: "need not have its fixed places" }];
    const rest = (side: Fields) => (side.additionalItems ?? true) as JsonSchema;
    for (const [at, schema] of narrows.entries()) {
      const to = wides === undefined ? ((allowed.items ?? true) as JsonSchema) : (wides[at] ?? rest(allowed));
      findings.push(...compare({ ...wide, schema: to }, { ...narrow, schema }, `${path}[${at}]`, depth + 1));
    }
    return findings;
  }
  const [to, from] = [(allowed.items ?? true) as JsonSchema, (has.items ?? true) as JsonSchema];
  return [...findings, ...compare({ ...wide, schema: to }, { ...narrow, schema: from }, `${path}[]`, depth + 1)];
}

function compareObjects(wide: FieldSide, narrow: FieldSide, path: string, depth: number): Finding[] {
  const findings = compareBounds(wide.schema, narrow.schema, path, OBJECT_BOUNDS);
  const has = requiredOf(narrow.schema);
  const [allowed, may] = [propertiesOf(wide.schema), propertiesOf(narrow.schema)];
  for (const name of requiredOf(wide.schema)) {
    if (!has.has(name))
      findings.push({ path: join(path, name), rule: "required", text: "is required, and may be missing" });
  }
  const others = (side: Fields) => (side.additionalProperties ?? true) as JsonSchema;
  for (const name of new Set([...Object.keys(allowed), ...Object.keys(may)])) {
    // What may not be there at all is nobody's trouble.
    const from = may[name] ?? others(narrow.schema);
    if (from === false) continue;
    // One that is merely not named may be anything where others may: as open as the senders of it, so it is not a change.
    if (may[name] === undefined && from === true) continue;
    const to = allowed[name] ?? others(wide.schema);
    findings.push(...compare({ ...wide, schema: to }, { ...narrow, schema: from }, join(path, name), depth + 1));
  }
  const [to, from] = [others(wide.schema), others(narrow.schema)];
  return [...findings, ...compare({ ...wide, schema: to }, { ...narrow, schema: from }, join(path, "*"), depth + 1)];
}

const UNDERSTOOD = new Set([
  ...WORDS_ONLY,
  ...["type", "const", "enum", "format", "pattern", "contentEncoding", "contentMediaType"],
  ...["minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"],
  ...["items", "additionalItems", "uniqueItems", "properties", "required", "additionalProperties"],
  ...[...STRING_BOUNDS, ...ARRAY_BOUNDS, ...OBJECT_BOUNDS].map(([keyword]) => keyword),
]);

/** S1. */
function compareRest(wide: Fields, narrow: Fields, path: string): Finding[] {
  return Object.keys(wide)
    .filter((keyword) => !UNDERSTOOD.has(keyword) && canonical(wide[keyword]) !== canonical(narrow[keyword]))
    .map((rule) => ({ path, rule, text: `has another "${rule}": whether that allows all it did cannot be told` }));
}

function join(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}

function list(values: readonly unknown[]): string {
  return values.map((value) => JSON.stringify(value)).join(", ");
}
