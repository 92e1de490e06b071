// `rate` in a handler's metadata: what it may be, and what it does not go with. Pure.

import type { Rate, RateRule, ResolvedMetadata } from "./handler-metadata.ts";
import { keyedProblems } from "./keyed.ts";
import type { Problem } from "./metadata-problems.ts";
import { isWireFunction, isWireUnsupported, oneOf, problem, type Read } from "./options.ts";

type Fields = Readonly<Record<string, unknown>>;

export const RATE_KEYS = ["limit", "per", "key"];
export const RATE_EXAMPLE = '{ limit: "100/s", per: "fleet" }';
export const readPer = oneOf("replica", "fleet");

const LIMIT = /^([1-9]\d{0,5})\/([smh])$/;
const EVERY_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000 };
const MOST_A_SECOND = 10_000;

export function readRate(raw: unknown): Read<Rate> {
  const [, count = "", unit = ""] = (typeof raw === "string" && LIMIT.exec(raw)) || [];
  const rate = { count: Number(count), everyMs: EVERY_MS[unit] ?? 0 };
  const fits = rate.everyMs > 0 && (rate.count / rate.everyMs) * 1_000 <= MOST_A_SECOND;
  const must =
    'must be so many in a second, a minute or an hour, such as "100/s", "30/m" or "500/h", at most "10000/s"';
  return fits ? { value: rate } : problem(must, raw);
}

/** Whether more is said than a limit, rightly or wrongly. */
export function isRatePolicy(raw: unknown): boolean {
  return typeof raw === "object" && raw !== null && !isWireFunction(raw) && !isWireUnsupported(raw);
}

/** A limit alone. */
export function readShortRate(raw: unknown): Read<RateRule> {
  const read = readRate(raw);
  return "value" in read ? { value: { ...read.value, per: "replica" } } : read;
}

export function rateProblems(raw: Fields, metadata: ResolvedMetadata): Problem[] {
  return keyedProblems(raw, metadata.rate?.key, ["rate", "key"], metadata);
}
