// `canary` in a handler's metadata: what it may be, and what it does not go with. Pure.

import type { CanaryRule, ResolvedMetadata } from "./handler-metadata.ts";
import type { Problem } from "./metadata-problems.ts";
import { integer, type Read } from "./options.ts";

type Fields = Readonly<Record<string, unknown>>;

export const CANARY_KEYS = ["percent", "messages", "tolerance"];
export const CANARY_EXAMPLE = "10, or { percent: 10, messages: 100, tolerance: 5 }";
/** More than half is no part to try: the versions are compared by what each has handled. */
export const canaryOptions = {
  percent: integer(1, 50),
  messages: integer(1, 1_000_000),
  tolerance: integer(0, 100),
} as const;
export const CANARY_DEFAULTS = { messages: 100, tolerance: 5 } as const;

/** `canary: 10`. */
export function readCanaryPercent(raw: unknown): Read<CanaryRule> {
  const read = canaryOptions.percent(raw);
  return "value" in read ? { value: { percent: read.value, ...CANARY_DEFAULTS } } : read;
}

/** `raw`: as it was written. */
export function canaryProblems(raw: Fields, metadata: ResolvedMetadata): Problem[] {
  if (raw.canary === undefined) return [];
  const { kind, workers, oneAtATime } = metadata;
  const refusals = [
    ...(kind === "event"
      ? ['is for handlers of kind "request" or "durable"; nobody would have an event again that the new version fails']
      : []),
    ...(metadata.exclusive
      ? ["cannot be kept beside exclusive: two versions would run at the same time; leave out one of them"]
      : []),
    ...(oneAtATime || raw.orderBy !== undefined
      ? [
          `cannot be kept beside ${oneAtATime ? 'concurrency "one"' : "orderBy"}: two versions would overtake each other; leave out one of them`,
        ]
      : []),
    ...(raw.batch !== undefined
      ? ["cannot be kept beside batch: a batch that fails charges no message; leave out one of them"]
      : []),
    ...(workers > 1 ? [`compares one worker of each version, and workers is ${workers}; leave out one of them`] : []),
  ];
  return refusals.map((message) => ({ path: ["canary"], message }));
}
