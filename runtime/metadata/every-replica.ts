// `replicas: "each"` of durable handlers: every replica has a consumer of its own. What it does not go with. Pure.

import type { ResolvedMetadata } from "./handler-metadata.ts";
import type { Problem } from "./metadata-problems.ts";

type Fields = Readonly<Record<string, unknown>>;

/** What is stored is given to each new version as well: what it has made of it is gone with the process before. */
export function isFilledAnew({ kind, everyReplica, from }: ResolvedMetadata): boolean {
  return kind === "durable" && everyReplica && from.kind !== "new";
}

/** `raw`: as it was written. */
export function everyReplicaProblems(raw: Fields, metadata: ResolvedMetadata): Problem[] {
  const { kind, everyReplica, from, singleton, oneAtATime, fleetOrder, debounce, throttle } = metadata;
  if (from.kind === "last" && !(kind === "durable" && everyReplica)) {
    const message =
      '"last" is for durable handlers with replicas "each": replicas that share messages share where they are';
    return [{ path: ["from"], message }];
  }
  if (kind !== "durable" || !everyReplica) return [];
  const others = [
    ...(singleton ? ["singleton, which is for one replica only"] : []),
    ...(oneAtATime ? ['concurrency "one": each replica would run one at a time for itself; say concurrency: 1'] : []),
    ...(fleetOrder === undefined ? [] : ["orderBy over all replicas, which divides messages among them"]),
    ...(debounce === undefined ? [] : ["debounce, which runs one message for all replicas"]),
    ...(throttle === undefined ? [] : ["throttle, which runs one message for all replicas"]),
    ...(raw.schedule === undefined ? [] : ["schedule, which runs once for all replicas"]),
    ...(raw.canary === undefined ? [] : ["canary: the version before would have what the new one is to have too"]),
  ];
  return others.map((what) => ({ path: ["replicas"], message: `"each" cannot be kept beside ${what}` }));
}
