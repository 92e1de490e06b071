// The server says nothing of what it lets us do; a refusal comes before its answer to what is asked after it.

import type { NatsConnection } from "@nats-io/transport-node";

/** Resolves when whoever listens to the connection has heard of each refusal of what was sent before. Rejects when it is lost. */
export async function answered(connection: NatsConnection): Promise<void> {
  await connection.flush();
  // The refusal may have been read together with the answer: those who listen hear of it within this turn.
  await new Promise(setImmediate);
}
