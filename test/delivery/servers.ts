// The nats-servers of a row: one, or a cluster of three.

import { freePort } from "../support/free-port.ts";
import { startTestServer, type TestServer } from "../support/nats-server.ts";
import type { Row } from "./row.ts";

export async function startServers({ server: config = "", cluster = false }: Row): Promise<TestServer[]> {
  if (!cluster) return [await startTestServer({ config })];
  const ports = [await freePort(), await freePort(), await freePort()];
  const routes = ports.map((port) => `"nats://127.0.0.1:${port}"`).join(", ");
  return Promise.all(
    ports.map((port, at) =>
      startTestServer({
        config: `server_name: n${at}
          cluster { name: test, listen: "127.0.0.1:${port}", no_advertise: true, routes: [${routes}] }
          ${config}`,
      }),
    ),
  );
}
