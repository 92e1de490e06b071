// What the configuration says of contents that are too large for a message.

import { duration, problem, type Read } from "../metadata/options.ts";
import { runtimeDefaults } from "./defaults.ts";

export interface LargePayloads {
  readonly bucket: string;
  readonly ttlMs: number;
}

/** Undefined: they are refused. */
export type ReadLargePayloads = { readonly bucket?: string; readonly ttlMs?: number } | undefined;

/** As in message/large-content.ts: a handler fetches from no other bucket. */
const LARGE_PREFIX = "LARGE_";
const DAY_MS = 86_400_000;
const KEYS = ["bucket", "ttl"];
const ttl = duration(60_000, 3_650 * DAY_MS, '"1m" to "3650d"');

export function readLargePayloads(raw: unknown): Read<ReadLargePayloads> {
  if (typeof raw === "boolean") return { value: raw ? {} : undefined };
  const must = 'must be true, or an object such as { ttl: "7d" }';
  if (typeof raw !== "object" || raw === null || Array.isArray(raw)) return problem(must, raw);
  const { bucket, ttl: given, ...rest } = raw as Readonly<Record<string, unknown>>;
  if (Object.keys(rest).length > 0) return problem(`${must}: it has ${KEYS.join(" and ")} only`, raw);
  if (bucket !== undefined && !(typeof bucket === "string" && /^LARGE_[A-Za-z0-9_-]{1,200}$/.test(bucket)))
    return problem(`must have a bucket whose name begins with "${LARGE_PREFIX}": handlers fetch from no other`, bucket);
  const ttlMs = given === undefined ? undefined : ttl(given);
  if (ttlMs !== undefined && "problem" in ttlMs) return { problem: `${ttlMs.problem} (ttl)` };
  return { value: { ...(bucket === undefined ? {} : { bucket }), ...(ttlMs && { ttlMs: ttlMs.value }) } };
}

export function largePayloadsOf(app: string, read: ReadLargePayloads): LargePayloads | undefined {
  if (read === undefined) return undefined;
  const { bucket = `${LARGE_PREFIX}${app}`, ttlMs = runtimeDefaults.largePayloadsTtlMs } = read;
  return { bucket, ttlMs };
}
