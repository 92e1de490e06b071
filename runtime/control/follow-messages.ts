// The other end of the message tap: holds a lease on every replica, from anywhere with NATS access.

import { createInbox, type NatsConnection } from "@nats-io/transport-node";
import type { Clock } from "../clock.ts";
import { controlSubject } from "./control-protocol.ts";
import type { MessagesReply, MessagesRequest } from "./seen.ts";

export interface FollowOptions {
  readonly connection: NatsConnection;
  readonly app: string;
  readonly inboxPrefix: string | undefined;
  readonly clock: Clock;
  readonly payloads: boolean;
  readonly signal: AbortSignal;
}

const LEASE_MS = 10_000;

/** What happens to messages on every replica as it comes, until `signal` aborts; first, from each, what it has kept. */
export async function* followMessages(options: FollowOptions): AsyncGenerator<MessagesReply> {
  const { connection, app, inboxPrefix, clock, payloads, signal } = options;
  const inbox = createInbox(inboxPrefix);
  const subscription = connection.subscribe(inbox);
  const end = () => subscription.unsubscribe();
  signal.addEventListener("abort", end, { once: true });
  const ask = (past: boolean) => {
    if (connection.isClosed()) return;
    const lease: MessagesRequest = { payloads, past, leaseMs: LEASE_MS };
    connection.publish(controlSubject(app, "messages"), JSON.stringify(lease), { reply: inbox });
  };
  ask(true);
  const renewal = clock.every(LEASE_MS / 2, () => ask(false));
  try {
    // The server's own answer where no replica listens is empty.
    for await (const message of subscription) if (message.data.length > 0) yield message.json<MessagesReply>();
  } finally {
    signal.removeEventListener("abort", end);
    renewal.cancel();
    end();
  }
}
