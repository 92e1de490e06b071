// What JSON drops without a word: it writes a Map, a Set, a Promise, a Response, an ArrayBuffer and their like as `{}`. That is
// told by name instead. A class of the author's without fields is `{}` rightly.

import { isTypedArray } from "node:util/types";
import { isError } from "../wire/serialize-error.ts";

/** "is a Map", "holds a Set at "order.tags"", or undefined. `json` is what the value was written as. Never throws. */
export function lossIn(value: unknown, json: string): string | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  // Most have none of it, and are not looked through.
  if (!isError(value) && !ArrayBuffer.isView(value) && !json.includes("{}")) return undefined;
  try {
    // As it would be sent, a view of bytes is not written as bytes but as an object with numbers for keys.
    if (ArrayBuffer.isView(value)) return `is ${named(kindOf(value))}`;
    const lost = find(value);
    if (lost === undefined) return undefined;
    const path = lost.path.join(".");
    return path === "" ? `is ${lost.name}` : `holds ${lost.name} at ${JSON.stringify(path)}`;
  } catch {
    return undefined; // A Proxy that shows itself to JSON.stringify alone: its JSON is what it wants to be.
  }
}

interface Lost {
  readonly name: string;
  readonly path: readonly string[];
}

/** There are no circles: JSON has been written. */
function find(value: unknown): Lost | undefined {
  if (typeof value !== "object" || value === null || hasJson(value)) return undefined;
  if (isError(value)) return { name: named(value.name), path: [] };
  const keys = Object.keys(value);
  if (keys.length === 0 && !isWritten(value)) return { name: named(kindOf(value)), path: [] };
  for (const key of keys) {
    const lost = find((value as Record<string, unknown>)[key]);
    if (lost !== undefined) return { name: lost.name, path: [key, ...lost.path] };
  }
  return undefined;
}

/** Whether there is nothing in it that JSON could have written. */
function isWritten(value: object): boolean {
  return isTypedArray(value) || WRITTEN.has(kindOf(value));
}

function named(kind: string): string {
  return `${/^[AEIO]/.test(kind) ? "an" : "a"} ${kind}`;
}

/** JSON writes them rightly, though they may have no fields. */
const WRITTEN = new Set(["Object", "Array", "String", "Number", "Boolean"]);

function hasJson(value: object): boolean {
  return typeof (value as { toJSON?: unknown }).toJSON === "function";
}

/** What it says of itself; "Object" for a class of the author's. */
function kindOf(value: object): string {
  return Object.prototype.toString.call(value).slice("[object ".length, -1);
}
