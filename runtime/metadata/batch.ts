// `batch` in a handler's metadata: what it may be, and what it does not go with. Pure.

import type { ResolvedMetadata } from "./handler-metadata.ts";
import { messageKeyProblems } from "./message-key.ts";
import type { Problem } from "./metadata-problems.ts";
import { duration, integer } from "./options.ts";

type Fields = Readonly<Record<string, unknown>>;

export const BATCH_KEYS = ["size", "wait", "key"];
export const BATCH_EXAMPLE = '{ size: 100, wait: "200ms" }';
export const BATCH_WAIT_MS = 200;
export const batchOptions = { size: integer(1, 1_000), wait: duration(0, 60_000, '"0s" to "1m"') } as const;

/** In one replica. */
const MOST_IN_HAND = 10_000;
/** So many times what runs is in hand with a key: batches of so many keys can become full beside each other. */
const KEYS_BESIDE = 16;

/**
 * How many messages may be in hand of one worker: as many as run at the same time, with `batch` all those of the batches that do; with
 * a key also what is gathered meanwhile for batches of other keys.
 */
export function slotsOf(metadata: Pick<ResolvedMetadata, "concurrency" | "batch">): number {
  const running = runningIn(metadata);
  return metadata.batch?.key === undefined ? running : Math.max(running, Math.min(running * KEYS_BESIDE, MOST_IN_HAND));
}

function runningIn({ concurrency, batch }: Pick<ResolvedMetadata, "concurrency" | "batch">): number {
  return concurrency * (batch?.size ?? 1);
}

/** `raw`: as it was written. */
export function batchProblems(raw: Fields, metadata: ResolvedMetadata): Problem[] {
  if (raw.batch === undefined) return [];
  const { kind, concurrency, batch } = metadata;
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
    ...(batch !== undefined && runningIn({ concurrency, batch }) > MOST_IN_HAND
      ? [
          `times concurrency must be at most 10,000 messages in hand; ${batch.size} times ${concurrency} is ${runningIn({ concurrency, batch })}`,
        ]
      : []),
  ];
  return [
    ...refusals.map((message) => ({ path: ["batch"], message })),
    ...messageKeyProblems(batch?.key, ["batch", "key"], metadata),
  ];
}
