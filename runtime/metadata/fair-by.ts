// `fairBy` in a handler's metadata: what it may be, and what it does not go with. Pure.

import { isDeepStrictEqual } from "node:util";
import type { ResolvedMetadata } from "./handler-metadata.ts";
import { keyedProblems } from "./keyed.ts";
import { readMessageKey } from "./message-key.ts";
import type { Problem } from "./metadata-problems.ts";
import { integer } from "./options.ts";

type Fields = Readonly<Record<string, unknown>>;

export const FAIR_KEYS = ["key", "concurrency"];
export const FAIR_EXAMPLE = '{ key: { header: "tenant" } }';
export const fairOptions = { key: readMessageKey, concurrency: integer(1, 10_000) } as const;
/** Of stored messages, in one replica: a flood has to be looked past, and waits in the replica meanwhile. */
export const FAIR_MOST_QUEUED = 200_000;

export function fairByProblems(raw: Fields, metadata: ResolvedMetadata): Problem[] {
  const { kind, fairBy, rate } = metadata;
  if (raw.fairBy === undefined) return [];
  const refusals = [
    ...(kind === "request"
      ? ['is for handlers of kind "event" or "durable": requests begin in the order in which they come']
      : []),
    ...(raw.batch !== undefined
      ? ["cannot be kept beside batch, which has messages of several keys run together; leave out one of them"]
      : []),
    ...(fairBy !== undefined && rate?.key !== undefined && !isDeepStrictEqual(rate.key, fairBy.key)
      ? ["must have the key of `rate`: messages wait by one key"]
      : []),
  ];
  return [
    ...refusals.map((message) => ({ path: ["fairBy"], message })),
    ...keyedProblems(raw, fairBy?.key, ["fairBy", "key"], metadata),
  ];
}
