// What a handler's metadata means for its dispatcher. Pure.

import { keyReader } from "../message/message-key.ts";
import { slotsOf } from "../metadata/batch.ts";
import type { BatchRule, ResolvedMetadata } from "../metadata/handler-metadata.ts";
import type { BatchLimits } from "./batch-lane.ts";
import type { KeyRules } from "./keyed-queue.ts";
import type { LaneLimits } from "./lane.ts";
import type { Paces } from "./pace.ts";

/** Of `Paces`, D5: without any as fast as they can. */
export interface DispatcherLimits extends LaneLimits, Paces {
  readonly maxQueued: number;
  readonly maxQueuedBytes: number;
  /** One at a time in the whole replica, in order (D2). */
  readonly ordered: boolean;
  /** Whether more than `concurrency` may wait in the worker (D4). Not with a rate: what waits there has begun. */
  readonly prefetch: boolean;
  /** Workers run batches; `concurrency` counts messages all the same: those in all batches that run at a time, and with a key those gathered. */
  readonly batch?: BatchLimits | undefined;
  /** D9; undefined: all wait behind each other. Never changed. */
  readonly keys?: KeyRules | undefined;
}

export interface Deadlines {
  /** False while a debugger may hold the handler: then no timeout ends it. */
  readonly deadlines: boolean;
  readonly killGraceMs: number;
}

const UNLIMITED_MS = 24 * 3_600_000;

export function limitsOf(metadata: ResolvedMetadata, { deadlines, killGraceMs }: Deadlines): DispatcherLimits {
  const { concurrency, workers, maxQueued, maxQueuedBytes, kind, ordered, batch, rate, fairBy } = metadata;
  const timeoutMs = deadlines ? metadata.timeoutMs : UNLIMITED_MS;
  return {
    concurrency: slotsOf(metadata),
    batch: batch && { ...batchRule(metadata, batch), concurrency, timeoutMs, killGraceMs },
    ordered: ordered || (concurrency === 1 && workers === 1),
    timeoutMs,
    killGraceMs,
    maxQueued,
    maxQueuedBytes,
    rate,
    // A durable message waits in the stream, where every replica can take it; one for a batch to be whole; one that is handed over begins.
    prefetch: kind !== "durable" && batch === undefined && rate === undefined && fairBy === undefined,
  };
}

type Gathered = Pick<BatchLimits, "size" | "waitMs" | "keyOf" | "mostInHand">;

function batchRule(metadata: ResolvedMetadata, { size, waitMs, key }: BatchRule): Gathered {
  if (key === undefined) return { size, waitMs };
  return { size, waitMs, keyOf: keyReader(key, metadata), mostInHand: slotsOf(metadata) };
}
