// `group` in a handler's metadata: what it may be, and what it does not go with. Pure.
//
// What a process has only once is not for one of its handlers to say: how many there are, how long one lives, when another
// takes its place. Its memory is the largest that one of them asks for, its environment that of all of them together.

import type { ResolvedMetadata } from "./handler-metadata.ts";
import type { Problem } from "./metadata-problems.ts";
import { text } from "./options.ts";

type Fields = Readonly<Record<string, unknown>>;

export const readGroup = text(
  'must be a name of 1 to 64 letters, digits, "_" and "-", such as "orders"',
  /^[A-Za-z0-9_-]{1,64}$/,
);

/** The defaults give way: the process lives as long as one of its handlers is bound. */
export const OF_A_GROUP = { idleMs: 0, minWorkers: 1, recycle: { messages: 0, ageMs: 0 } } as const;

/** `raw`: as it was written. */
export function groupProblems(raw: Fields, { workers, exclusive }: ResolvedMetadata): Problem[] {
  if (raw.group === undefined) return [];
  const livesOn = "its process lives as long as one of its handlers is bound";
  const refusals = [
    ...(workers > 1 ? [`is one process, and workers is ${workers}; leave out one of them`] : []),
    ...(exclusive
      ? [
          "cannot be kept beside exclusive: a new version of any of them comes up beside the process of all; leave out one of them",
        ]
      : []),
    ...(raw.canary !== undefined
      ? ["cannot be kept beside canary: a version that is tried needs a process of its own; leave out one of them"]
      : []),
    ...(raw.recycle !== undefined
      ? ["cannot be kept beside recycle, which would replace the process of all; leave out one of them"]
      : []),
    ...(raw.idle !== undefined && raw.idle !== "never"
      ? [`cannot be kept beside idle: ${livesOn}; leave out idle`]
      : []),
    ...(raw.minWorkers === 0 ? [`cannot be kept beside minWorkers 0: ${livesOn}; leave out minWorkers`] : []),
  ];
  return refusals.map((message) => ({ path: ["group"], message }));
}
