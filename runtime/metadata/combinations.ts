// Options of a handler's metadata that do not go together. Pure.

import type { ResolvedMetadata } from "./handler-metadata.ts";
import type { Problem } from "./metadata-problems.ts";

type Fields = Readonly<Record<string, unknown>>;

const DURABLE_ONLY = ["kv", "objects", "stream", "domain", "from", "retry", "expires", "orderBy", "singleton"];
const NO_ANSWER =
  'is for handlers of kind "event" or "durable": a request that is let pass would have no answer; look at it in the function';

const NOT_FOR_REQUESTS =
  'is for handlers of kind "event" or "durable": requesters would wait beyond their time; `concurrency` and `maxQueued` bound requests';

/** Given for a kind that has no use for them. `raw`: as it was written. */
export function kindProblems(
  raw: Fields,
  { kind, everyReplica }: Pick<ResolvedMetadata, "kind" | "everyReplica">,
): Problem[] {
  const given = DURABLE_ONLY.filter((key) => kind !== "durable" && raw[key] !== undefined);
  return [
    ...given.map((key) => problem(key, `is for handlers of kind "durable" only; this one is "${kind}"`)),
    ...(raw.reply !== undefined && kind !== "request"
      ? [problem("reply", `is for handlers of kind "request" only; this one is "${kind}"`)]
      : []),
    ...(raw.when !== undefined && kind === "request" ? [problem("when", NO_ANSWER)] : []),
    ...(raw.rate !== undefined && kind === "request" ? [problem("rate", NOT_FOR_REQUESTS)] : []),
    ...(everyReplica && kind === "request"
      ? [problem("replicas", 'can be "each" for handlers of kind "event" or "durable" only; this one is "request"')]
      : []),
    ...(raw.concurrency === "one" && kind !== "durable"
      ? [problem("concurrency", `can be "one" for handlers of kind "durable" only; this one is "${kind}"`)]
      : []),
  ];
}

/** More processes than what is asked for beside them can have. */
export function workerProblems(metadata: ResolvedMetadata): Problem[] {
  const { workers, minWorkers, ordered, exclusive, oneAtATime, subjects } = metadata;
  return [
    ...(minWorkers > workers
      ? [problem("minWorkers", `must not be more than workers, which is ${workers}; received ${minWorkers}`)]
      : []),
    ...(ordered && workers > 1
      ? [
          problem(
            "orderBy",
            `cannot be kept by ${workers} workers: each would have messages of every key; leave out workers, or orderBy`,
          ),
        ]
      : []),
    ...(exclusive && workers > 1
      ? [problem("exclusive", `means one process at a time, and workers is ${workers}; leave out one of them`)]
      : []),
    ...(oneAtATime && workers > 1 ? [problem("concurrency", `"one" needs one worker, and workers is ${workers}`)] : []),
    ...(oneAtATime && subjects.length > 1
      ? [problem("concurrency", 'can be "one" for one subject only: each has a consumer of its own')]
      : []),
  ];
}

function problem(option: string, message: string): Problem {
  return { path: [option], message };
}
