// Reads the key of a message: what it has in common with those that belong with it (metadata/message-key.ts). Pure.
//
// M1  It is read in the supervisor, and never throws, whatever a message holds.
// M2  A message that has none (no such header; no such field, or none that is a text, a number, true or false; no JSON) has the
//     empty key, in common with all others that have none.

import { claimOn } from "../metadata/claims.ts";
import type { MessageKey, ResolvedMetadata } from "../metadata/handler-metadata.ts";
import { wildcardsOf } from "../metadata/subject.ts";
import type { Delivery } from "./delivery.ts";
import { decodeHeaders } from "./header-block.ts";

export type Keyed = Pick<Delivery, "subject" | "headers" | "data">;
export type KeyOf = (message: Keyed) => string;

const NO_KEY = "";

/** To be made once for a handler's metadata. */
export function keyReader(
  key: MessageKey,
  { subjects, envelope }: Pick<ResolvedMetadata, "subjects" | "envelope">,
): KeyOf {
  if ("wildcard" in key) {
    return ({ subject }) => wildcardsOf(claimOn(subjects, subject) ?? subject, subject)[key.wildcard] ?? NO_KEY;
  }
  if ("header" in key) {
    const wanted = key.header.toLowerCase();
    return ({ headers }) => (headers === undefined ? NO_KEY : headerIn(headers, wanted));
  }
  const names = key.field.split(".");
  const path = envelope === "nest" ? ["data", ...names] : names;
  return ({ data }) => fieldIn(data, path);
}

function headerIn(headers: Uint8Array, wanted: string): string {
  return decodeHeaders(Buffer.from(headers)).find(([name]) => name.toLowerCase() === wanted)?.[1] ?? NO_KEY;
}

function fieldIn(data: Uint8Array, path: readonly string[]): string {
  let value = parsed(data);
  for (const name of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return NO_KEY;
    value = (value as Readonly<Record<string, unknown>>)[name];
  }
  const isKey = typeof value === "string" || typeof value === "number" || typeof value === "boolean";
  return isKey ? String(value) : NO_KEY;
}

/** M2. */
function parsed(data: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("utf8"));
  } catch {
    return undefined; // Whoever runs the message refuses it.
  }
}
