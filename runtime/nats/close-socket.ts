// Ends the link to a server that does not answer, so that the client looks for one that does.
//
// The client's own `reconnect` first waits until all it has to say is written: to a server that reads nothing any more, and
// with the buffers in between full, that is never. So the socket is destroyed, as by a network that breaks. It is found,
// not assumed: with a client that is built otherwise, its own way has to do.

import type { NatsConnection } from "@nats-io/transport-node";

/** Returns at once. Nothing happens to a connection that is closed or lost already. */
export function closeSocket(connection: NatsConnection): void {
  const { protocol } = connection as { protocol?: { transport?: { socket?: { destroy?: () => void } } } };
  const socket = protocol?.transport?.socket;
  if (typeof socket?.destroy === "function") socket.destroy();
  else connection.reconnect().catch(() => undefined); // Closed or draining: nothing to connect anew.
}
