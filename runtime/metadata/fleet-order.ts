// `orderBy: { wildcard, partitions }`, or `header` or `field` in place of `wildcard`: an order by a key, over all replicas. A
// wildcard is a `*` here, as the server divides by it; other keys are read by the runtime.

import type { FleetOrder, ResolvedMetadata } from "./handler-metadata.ts";
import { MESSAGE_KEY_PARTS, messageKeyProblems } from "./message-key.ts";
import type { Problem } from "./metadata-problems.ts";
import { integer, isWireFunction, isWireUnsupported } from "./options.ts";

export const FLEET_ORDER_KEYS = [...MESSAGE_KEY_PARTS, "partitions"];
export const FLEET_ORDER_EXAMPLE = "a function of the event that gives a key, or { wildcard: 0, partitions: 8 }";
export const PARTITIONS = 8;

export const partitionCount = integer(1, 64);

type Fields = Readonly<Record<string, unknown>>;

/** Whether it is asked for, rightly or wrongly: a function, and what is neither, is for the reader of keys. */
export function asksForFleetOrder(orderBy: unknown): orderBy is Fields {
  if (typeof orderBy !== "object" || orderBy === null || Array.isArray(orderBy)) return false;
  return !isWireFunction(orderBy) && !isWireUnsupported(orderBy);
}

/** What it does not go together with. Pure. */
export function fleetOrderProblems(raw: Fields, metadata: ResolvedMetadata): Problem[] {
  const { fleetOrder, subjects, domain } = metadata;
  if (fleetOrder === undefined) return [];
  return [
    ...(subjects.length > 1 ? [problem("orders one subject, and there are several: each is a stream of its own")] : []),
    ...keyProblems(fleetOrder, metadata),
    ...(domain === undefined ? [] : [problem("cannot be kept for a stream of another domain, which is not copied")]),
    ...(raw.concurrency === "one"
      ? [problem('is not needed beside concurrency "one", which keeps the order of all; leave out one of them')]
      : []),
  ];
}

function keyProblems(fleetOrder: FleetOrder, metadata: ResolvedMetadata): Problem[] {
  if (!("wildcard" in fleetOrder)) return messageKeyProblems(fleetOrder, ["orderBy"], metadata);
  const [subject = "", ...more] = metadata.subjects;
  const wildcards = subject.split(".").filter((token) => token === "*").length;
  if (more.length > 0 || fleetOrder.wildcard < wildcards) return [];
  return [problem(noWildcard(subject, wildcards, fleetOrder.wildcard), "wildcard")];
}

function noWildcard(subject: string, wildcards: number, wildcard: number): string {
  const has = wildcards === 0 ? `has no "*"` : `has ${wildcards === 1 ? 'one "*", 0' : `0 to ${wildcards - 1}`}`;
  return `must be the number, from 0 on, of a "*" of the subject whose token is the key; "${subject}" ${has}, received ${wildcard}`;
}

function problem(message: string, ...at: readonly string[]): Problem {
  return { path: ["orderBy", ...at], message };
}
