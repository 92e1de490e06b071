// What everybody needs who operates an app, by command or by page: a connection, the replicas that run, the handlers they have.

import type { ControlClient } from "../control/client.ts";
import type { ReplicaInfo, StatusReply } from "../control/control-protocol.ts";
import { silentAmong } from "../control/intent-watchers.ts";
import type { NatsConnection } from "../nats/connection.ts";

export interface OperatorSession {
  readonly app: string;
  readonly connection: NatsConnection;
  readonly client: ControlClient;
  /** Of each stream of the app's own, should it have to be made. */
  readonly copies: number;
}

export function handlersOf(replies: readonly StatusReply[]): Set<string> {
  return new Set(replies.flatMap(({ handlers }) => handlers.map(({ name }) => name)));
}

/** Whether every replica that has it says that it is disabled. */
export function isOffIn(handler: string, replies: readonly StatusReply[]): boolean {
  const own = replies.flatMap(({ handlers }) => handlers.filter(({ name }) => name === handler));
  return own.length > 0 && own.every(({ disabled }) => disabled !== undefined);
}

/** Who is to act by an intent: those that answer, and those that watch the bucket and do not. */
export function replicasOf(replies: readonly StatusReply[], watchers: readonly ReplicaInfo[]): readonly ReplicaInfo[] {
  const replicas = [...watchers, ...replies.map(({ replica }) => replica)];
  return [...new Map(replicas.map((replica) => [replica.instance, replica])).values()];
}

/** The replicas without those that have gone meanwhile. */
export function stillThere(replicas: readonly ReplicaInfo[], gone: readonly ReplicaInfo[]): readonly ReplicaInfo[] {
  return silentAmong(replicas, gone);
}
