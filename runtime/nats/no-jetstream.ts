// Whether there is JetStream for a connection. The server says whether it has it, while it is there: a lost connection is no
// server without it. Whether the account of the connection may use it has to be asked for.

import type { NatsConnection } from "@nats-io/transport-node";
import { apiPrefix } from "./api-prefix.ts";
import { domainOf } from "./jetstream.ts";

/** 10039: not for this account; 10076: not on the server that answers. */
const NOT_ENABLED = [10039, 10076];
const ANSWER_MS = 2_000;

/** Those whose account has answered that it has none. */
const accountsWithout = new WeakSet<NatsConnection>();

/** There is none, as far as anybody has said. False while the connection is lost, and nobody can say. */
export function lacksJetStream(connection: NatsConnection): boolean {
  return connection.info !== undefined && (!serverHasIt(connection) || accountsWithout.has(connection));
}

/** The server has it, and our account has not. */
export function isForOthersOnly(connection: NatsConnection): boolean {
  return serverHasIt(connection) && accountsWithout.has(connection);
}

/** Ask the account; `lacksJetStream` knows it then, until it is asked again. Without an answer all stays. Never rejects. */
export async function askForJetStream(connection: NatsConnection): Promise<void> {
  if (!serverHasIt(connection)) return;
  try {
    const reply = await connection.request(`${apiPrefix(domainOf(connection))}.INFO`, "", { timeout: ANSWER_MS });
    const { error } = reply.json<{ error?: { err_code?: number } }>();
    if (error === undefined) accountsWithout.delete(connection);
    else if (NOT_ENABLED.includes(error.err_code ?? 0)) accountsWithout.add(connection);
  } catch {
    // No answer, or no right to ask: whoever needs it says so.
  }
}

/** That of a domain is on another server than ours. */
function serverHasIt(connection: NatsConnection): boolean {
  return connection.info?.jetstream === true || domainOf(connection) !== undefined;
}
