// Readers of the options that only a handler's metadata knows, not the defaults of the configuration.

import type { ResolvedMetadata, StartFrom } from "./handler-metadata.ts";
import {
  handlerOptions,
  isWireCodec,
  isWireFunction,
  isWireSchema,
  listOf,
  problem,
  type Read,
  type Reader,
  subject,
  text,
} from "./options.ts";

const MOST_PUBLISHES = 1_000;

/** `"one"` is read by whoever asks. */
export function readConcurrency(raw: unknown): Read<number> {
  const read = handlerOptions.concurrency(raw);
  return "value" in read || typeof raw !== "string" ? read : problem('must be a whole number, or "one"', raw);
}

/** A time without a zone would be another one on each machine. */
const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})$/;

export function readFrom(raw: unknown): Read<StartFrom> {
  if (raw === "all" || raw === "new" || raw === "last") return { value: { kind: raw } };
  const atMs = typeof raw === "string" && TIME.test(raw) ? Date.parse(raw) : Number.NaN;
  return Number.isNaN(atMs)
    ? problem('must be "all", "new", "last", or a time with its zone such as "2030-01-31T18:30:00Z"', raw)
    : { value: { kind: "time", atMs } };
}

export function readSchema(raw: unknown): Read<boolean> {
  return isWireSchema(raw)
    ? { value: true }
    : problem("must be a Standard Schema, such as z.object({ ... }) of zod", raw);
}

export function readPayload(raw: unknown): Read<ResolvedMetadata["payload"]> {
  if (raw === "json" || raw === "bytes") return { value: raw };
  if (!isWireCodec(raw)) return problem('must be "json", "bytes", or a codec with a function `decode(bytes)`', raw);
  const { contentType, encode } = raw;
  if (contentType !== undefined && !(typeof contentType === "string" && /^[^\s/;]+\/[^\s/;]+$/.test(contentType)))
    return problem('must have a media type such as "application/protobuf" as its contentType', contentType);
  if (encode !== undefined && !isWireFunction(encode)) return problem("must have a function as its encode", encode);
  return { value: "codec" };
}

export function readPublishes(raw: unknown): Read<readonly string[]> {
  if (Array.isArray(raw) && raw.length > MOST_PUBLISHES)
    return { problem: `must list at most ${MOST_PUBLISHES} subjects, a wildcard for the rest; received ${raw.length}` };
  const entry: Reader<string> = (value) => subject((value as { subject?: unknown } | null)?.subject ?? value);
  const read = listOf(entry, 'must be a list of events or subjects, such as [itemSaved, "orders.>"]')(raw);
  return "value" in read ? { value: [...new Set(read.value)] } : read;
}

/** Each once. */
export function bucketNames(raw: unknown): Read<readonly string[]> {
  const name = text('must list names of buckets: letters, digits, "_" or "-"', /^[A-Za-z0-9_-]{1,250}$/);
  const read = listOf(name, 'must be a list of names of buckets, such as ["users"]')(raw);
  return "value" in read ? { value: [...new Set(read.value)] } : read;
}

export function aFunction(that: string): Reader<boolean> {
  return (raw) => (isWireFunction(raw) ? { value: true } : problem(`must be a function ${that}`, raw));
}
