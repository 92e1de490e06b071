// Whether the server has JetStream is known only while it is there: a lost connection is no server without it.

import type { NatsConnection } from "@nats-io/transport-node";

/** The server has said that it has no JetStream. False while the connection is lost, and nobody can say. */
export function lacksJetStream({ info }: NatsConnection): boolean {
  return info !== undefined && info.jetstream !== true;
}
