// How the commands that send messages reach NATS: what is configured, else the server of the `dev` that runs here.

import { connect, type NatsConnection } from "../bind/connection.ts";
import { readRuntimeFile } from "../bind/runtime-file.ts";
import { systemClock } from "../clock.ts";
import type { ResolvedConfig } from "../config/resolved-config.ts";
import { RuntimeError } from "../errors.ts";
import { type GlobalOptions, loadProject } from "./global-options.ts";
import type { Terminal } from "./terminal.ts";

const FIRST_CONNECT_MS = 3_000;

/** What `use` does with the connection, which is closed afterwards. Rejects with NATS_NOT_CONFIGURED, _UNREACHABLE, _REFUSED. */
export async function withConnection<T>(
  terminal: Terminal,
  options: GlobalOptions,
  use: (connection: NatsConnection, config: ResolvedConfig) => Promise<T>,
): Promise<T> {
  const config = await loadProject(terminal, options, "dev");
  const settings = { ...config.nats, servers: serversOf(config) };
  const name = `${config.app}/cli`;
  const connection = await connect({
    settings,
    name,
    emit: () => {},
    clock: systemClock,
    firstConnectMs: FIRST_CONNECT_MS,
  });
  try {
    return await use(connection, config);
  } finally {
    await connection.close();
  }
}

function serversOf({ nats, stateDir, rootDir }: ResolvedConfig): readonly string[] {
  const running = nats.servers === undefined ? readRuntimeFile(stateDir) : undefined;
  const servers = nats.servers ?? (running && [running.url]);
  if (servers !== undefined) return servers;
  throw new RuntimeError(
    "NATS_NOT_CONFIGURED",
    `no NATS server is configured, and no \`handlers dev\` runs in ${rootDir}`,
    {
      remedy: "Start `handlers dev` in another terminal, or say where NATS is: --server, NATS_URL or `nats.servers`.",
    },
  );
}
