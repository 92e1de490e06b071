// `orderBy: { wildcard, partitions }`: an order by a token of the subject, over all replicas.

import type { FleetOrder, ResolvedMetadata } from "./handler-metadata.ts";
import type { Problem } from "./metadata-problems.ts";
import { integer, isWireFunction, isWireUnsupported } from "./options.ts";

export const FLEET_ORDER_KEYS = ["wildcard", "partitions"];
export const FLEET_ORDER_EXAMPLE = "a function of the event that gives a key, or { wildcard: 0, partitions: 8 }";
export const PARTITIONS = 8;

export const fleetOrderOptions = {
  wildcard: integer(0, 31),
  partitions: integer(1, 64),
} as const;

type Fields = Readonly<Record<string, unknown>>;

/** Whether it is asked for, rightly or wrongly: a function, and what is neither, is for the reader of keys. */
export function asksForFleetOrder(orderBy: unknown): orderBy is Fields {
  if (typeof orderBy !== "object" || orderBy === null || Array.isArray(orderBy)) return false;
  return !isWireFunction(orderBy) && !isWireUnsupported(orderBy);
}

/** What it does not go together with. Pure. */
export function fleetOrderProblems(raw: Fields, { fleetOrder, subjects, domain }: ResolvedMetadata): Problem[] {
  if (fleetOrder === undefined) return [];
  const [subject = ""] = subjects;
  const wildcards = subject.split(".").filter((token) => token === "*").length;
  return [
    ...(subjects.length > 1 ? [problem("orders one subject, and there are several: each is a stream of its own")] : []),
    ...(subjects.length === 1 && fleetOrder.wildcard >= wildcards
      ? [problem(noWildcard(subject, wildcards, fleetOrder), "wildcard")]
      : []),
    ...(domain === undefined ? [] : [problem("cannot be kept for a stream of another domain, which is not copied")]),
    ...(raw.concurrency === "one"
      ? [problem('is not needed beside concurrency "one", which keeps the order of all; leave out one of them')]
      : []),
  ];
}

function noWildcard(subject: string, wildcards: number, { wildcard }: FleetOrder): string {
  const has = wildcards === 0 ? `has no "*"` : `has ${wildcards === 1 ? 'one "*", 0' : `0 to ${wildcards - 1}`}`;
  return `must be the number, from 0 on, of a "*" of the subject whose token is the key; "${subject}" ${has}, received ${wildcard}`;
}

function problem(message: string, ...at: readonly string[]): Problem {
  return { path: ["orderBy", ...at], message };
}
