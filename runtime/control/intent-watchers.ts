// Replicas that are there, whether they answer or not.
//
// Whoever has to act by the intents watches their bucket, and the server knows its watchers: by their description a replica
// is found that does not answer. It needs no sign of life of ours, and goes when the replica's connection does.

import type { NatsConnection } from "@nats-io/transport-node";
import { managerOf } from "../nats/jetstream.ts";
import type { ReplicaInfo } from "./control-protocol.ts";
import { intentStream } from "./intent-store.ts";

/** Where we may not ask, the server does not answer at all. */
const ANSWER_MS = 1_000;

/** Empty where we may not ask for them, and where there is no bucket. Never rejects. */
export async function watchersOf(connection: NatsConnection, app: string): Promise<readonly ReplicaInfo[]> {
  return (await knownWatchers(connection, app)) ?? [];
}

/** Undefined where nothing can be said of them: we may not ask, or nobody answers. Never rejects. */
export async function knownWatchers(connection: NatsConnection, app: string): Promise<ReplicaInfo[] | undefined> {
  const found: ReplicaInfo[] = [];
  try {
    const jsm = await managerOf(connection, { timeout: ANSWER_MS });
    for await (const { push_bound, config } of jsm.consumers.list(intentStream(app))) {
      const replica = push_bound === true ? readReplica(config.description) : undefined;
      if (replica !== undefined) found.push(replica);
    }
    return found;
  } catch {
    return undefined; // Then only those are known who answer.
  }
}

/** Those of the watchers that are not among the replicas that have answered. */
export function silentAmong(watchers: readonly ReplicaInfo[], answered: readonly ReplicaInfo[]): ReplicaInfo[] {
  const heard = new Set(answered.map(({ instance }) => instance));
  return watchers.filter(({ instance }) => !heard.has(instance));
}

function readReplica(description = ""): ReplicaInfo | undefined {
  try {
    const { instance, host, pid, startedAtMs } = JSON.parse(description) as Partial<ReplicaInfo>;
    const isOne = typeof instance === "string" && typeof host === "string" && typeof pid === "number";
    return isOne ? { instance, host, pid, startedAtMs: startedAtMs ?? 0 } : undefined;
  } catch {
    return undefined;
  }
}
