// `batch` in a handler's metadata: what it may be, and what it does not go with. Pure.

import type { ResolvedMetadata } from "./handler-metadata.ts";
import type { Problem } from "./metadata-problems.ts";
import { duration, integer } from "./options.ts";

type Fields = Readonly<Record<string, unknown>>;

export const BATCH_KEYS = ["size", "wait"];
export const BATCH_EXAMPLE = '{ size: 100, wait: "200ms" }';
export const BATCH_WAIT_MS = 200;
export const batchOptions = { size: integer(1, 1_000), wait: duration(0, 60_000, '"0s" to "1m"') } as const;

/** In one replica. */
const MOST_IN_HAND = 10_000;

/** How many messages run at the same time in one worker: with `batch`, all those of the batches that do. */
export function slotsOf({ concurrency, batch }: Pick<ResolvedMetadata, "concurrency" | "batch">): number {
  return concurrency * (batch?.size ?? 1);
}

/** `raw`: as it was written. */
export function batchProblems(raw: Fields, { kind, concurrency, batch }: ResolvedMetadata): Problem[] {
  if (raw.batch === undefined) return [];
  const refusals = [
    ...(kind === "request"
      ? ['is for handlers of kind "event" or "durable": each request has a reply of its own']
      : []),
    ...(raw.concurrency === "one"
      ? [
          'cannot be kept beside concurrency "one", which lets one message at a time out of the stream; leave out one of them',
        ]
      : []),
    ...(raw.orderBy !== undefined
      ? ["cannot be kept beside orderBy: a batch has several messages of one key; leave out one of them"]
      : []),
    ...(raw.schedule !== undefined
      ? [
          "cannot be kept beside schedule: a planned run would wait for others; publish from a scheduled handler to this one",
        ]
      : []),
    ...(raw.rate !== undefined
      ? [
          "cannot be kept beside rate, which counts single messages; `size` and `wait` say how large and how often batches are",
        ]
      : []),
    ...(batch !== undefined && slotsOf({ concurrency, batch }) > MOST_IN_HAND
      ? [
          `times concurrency must be at most 10,000 messages in hand; ${batch.size} times ${concurrency} is ${slotsOf({ concurrency, batch })}`,
        ]
      : []),
  ];
  return refusals.map((message) => ({ path: ["batch"], message }));
}
