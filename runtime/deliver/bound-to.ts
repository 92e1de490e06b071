// What of a handler's metadata is part of how it is bound: a version that says otherwise is bound anew. Pure.

import { isDeepStrictEqual } from "node:util";
import { isFilledAnew } from "../metadata/every-replica.ts";
import type { ResolvedMetadata } from "../metadata/handler-metadata.ts";

export function isBoundAlike(one: ResolvedMetadata, other: ResolvedMetadata): boolean {
  return !isFilledAnew(other) && isDeepStrictEqual(boundTo(one), boundTo(other));
}

function boundTo(metadata: ResolvedMetadata): readonly unknown[] {
  const { kind, subjects, stream, domain, everyReplica, maxQueued, maxQueuedBytes } = metadata;
  const { oneAtATime, singleton, fleetOrder, rate, fairBy, outputs } = metadata;
  const queue = [maxQueued, maxQueuedBytes, rate?.key && rate, fairBy];
  return [kind, subjects, stream, domain, everyReplica, oneAtATime, singleton, fleetOrder, outputs, ...queue];
}
