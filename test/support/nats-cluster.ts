// Three nats-servers that are one cluster.

import { jetstreamManager, type StreamAPI } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { vi } from "vitest";
import { connectClient } from "./client.ts";
import { freePort } from "./free-port.ts";
import { startTestServer, type TestServer } from "./nats-server.ts";

export type Cluster = readonly [TestServer, TestServer, TestServer];

const NAMES = ["one", "two", "three"];
const LEADER_MS = 40_000;

/** Resolves when it takes streams. Each server has its name as a tag. */
export async function startCluster(): Promise<Cluster> {
  const ports = await Promise.all(NAMES.map(() => freePort()));
  const routes = ports.map((port) => `"nats://127.0.0.1:${port}"`).join(", ");
  const servers = await Promise.all(
    NAMES.map((name, at) =>
      startTestServer({
        config: `server_name: ${name}, server_tags: [${name}]
          cluster { name: test, listen: "127.0.0.1:${ports[at]}", no_advertise: true, routes: [${routes}] }`,
      }),
    ),
  );
  const { connection } = await connectClient(servers[0]!.url);
  await addStream(connection, { name: "READY", subjects: ["ready"], num_replicas: 3 });
  await connection.close();
  return servers as unknown as Cluster;
}

/** A cluster that has just begun has no leader to ask, or one that does not know the other servers yet. */
export async function addStream(connection: NatsConnection, config: Parameters<StreamAPI["add"]>[0]): Promise<void> {
  const jsm = await jetstreamManager(connection, { checkAPI: false, timeout: 1_000 });
  await vi.waitFor(() => jsm.streams.add(config), { timeout: LEADER_MS, interval: 100 });
}

/** Without streams, and with every server back: it takes streams with a copy on each. A request that meets an election gets no answer. */
export async function untilWholeAndEmpty(connection: NatsConnection): Promise<void> {
  const jsm = await jetstreamManager(connection, { checkAPI: false, timeout: 1_000 });
  const remove = async () => {
    for await (const name of jsm.streams.names()) await jsm.streams.delete(name);
  };
  await vi.waitFor(remove, { timeout: LEADER_MS, interval: 100 });
  await addStream(connection, { name: "READY", subjects: ["ready"], num_replicas: 3 });
  await vi.waitFor(remove, { timeout: LEADER_MS, interval: 100 });
}
