// Follows the NATS connection: every loss and return, where the log tells only some when there are many.

import type { Clock } from "../clock.ts";
import type { NatsReading } from "./metrics-source.ts";

/** What is needed of the client. */
export interface WatchedConnection {
  status(): AsyncIterable<{ readonly type: string }>;
  isClosed(): boolean;
}

/** The connection must be up. Ends by itself when the connection is closed. */
export function watchNats(connection: WatchedConnection, clock: Clock): () => NatsReading {
  let reconnects = 0;
  let downSinceMs: number | undefined;

  async function follow(): Promise<void> {
    for await (const { type } of connection.status()) {
      if (type === "disconnect" || type === "staleConnection") downSinceMs ??= clock.monotonicMs();
      // The client tells of one return several times when some tries were refused before it.
      if (type !== "reconnect" || downSinceMs === undefined) continue;
      reconnects++;
      downSinceMs = undefined;
    }
  }

  // The iterator ends with the connection, which `isClosed` tells by itself.
  follow().catch(() => undefined);
  return () => {
    if (connection.isClosed()) return { kind: "closed", reconnects };
    if (downSinceMs === undefined) return { kind: "connected", reconnects };
    return { kind: "reconnecting", reconnects, sinceMs: downSinceMs };
  };
}
