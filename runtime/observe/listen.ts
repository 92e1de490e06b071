// Has an HTTP server listen.

import type { Server } from "node:http";

/** Rejects with Node's error when it cannot. One that comes later is not thrown. */
export function listen(
  server: Server,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port }, () => {
      server.removeAllListeners("error");
      // A connection that cannot be accepted is its client's loss, and no reason to end.
      server.on("error", () => undefined);
      resolve();
    });
  });
}
