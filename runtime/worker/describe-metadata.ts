// What a handler exports as `metadata`, made fit to cross as JSON. What cannot cross, or is beyond all measure, is replaced by
// a mark that says what stood there: whoever reads it refuses it by name, at no price.

import { isStandardSchema } from "./load.ts";

const MAX_DEPTH = 6;
const MOST_ENTRIES = 1_000;
const MOST_TEXT_CHARS = 4_000;
/** Of all of it together: each value counts as one, and as many as its text is long. */
const MOST_IN_ALL = 200_000;

export function describeMetadata(metadata: unknown): unknown {
  return metadata === undefined ? null : describe(metadata, 0, { left: MOST_IN_ALL });
}

interface Budget {
  left: number;
}

function describe(value: unknown, depth: number, budget: Budget): unknown {
  if (typeof value === "string" && value.length > MOST_TEXT_CHARS)
    return { $unsupported: `a text of ${value.length} characters` };
  budget.left -= typeof value === "string" ? 1 + value.length : 1;
  if (budget.left < 0) return { $unsupported: "too much in all" };
  if (isStandardSchema(value))
    return { $schema: "standard", vendor: describe(value["~standard"].vendor, depth, budget) };
  if (typeof value === "function") return { $function: true };
  if (typeof value === "bigint") return { $unsupported: `${value}n`.slice(0, MOST_TEXT_CHARS) };
  if (typeof value === "symbol") return { $unsupported: String(value).slice(0, MOST_TEXT_CHARS) };
  if (typeof value === "number" && !Number.isFinite(value)) return { $unsupported: String(value) };
  if (typeof value !== "object" || value === null) return value;
  if (depth >= MAX_DEPTH) return { $unsupported: "nested too deep" };
  if (Array.isArray(value)) return describeList(value, depth, budget);
  return describeObject(value as Record<string, unknown>, depth, budget);
}

function describeList(list: readonly unknown[], depth: number, budget: Budget): unknown {
  if (list.length > MOST_ENTRIES) return { $tooMany: list.length };
  return list.map((entry) => describe(entry, depth + 1, budget));
}

function describeObject(object: Record<string, unknown>, depth: number, budget: Budget): unknown {
  const keys = Object.keys(object);
  if (keys.length > MOST_ENTRIES) return { $unsupported: `an object of ${keys.length} keys` };
  const entries = keys.map((key) => {
    budget.left -= key.length;
    const value = object[key];
    const isPayload = depth === 0 && key === "payload";
    const described = isPayload && isCodec(value) ? describeCodec(value, budget) : describe(value, depth + 1, budget);
    return [key.slice(0, MOST_TEXT_CHARS), described];
  });
  return Object.fromEntries(entries);
}

interface Codec {
  readonly contentType?: unknown;
  readonly encode?: unknown;
}

/** A codec may be an instance of a library's class, or its whole namespace: it is not looked at beyond what is used of it. */
function isCodec(value: unknown): value is Codec {
  return typeof (value as { decode?: unknown } | null | undefined)?.decode === "function";
}

function describeCodec({ contentType, encode }: Codec, budget: Budget): unknown {
  return {
    $codec: true,
    contentType: describe(contentType, MAX_DEPTH, budget),
    encode: describe(encode, MAX_DEPTH, budget),
  };
}
