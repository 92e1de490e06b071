// How the commands that send messages reach NATS: what is configured, else the server of the `dev` that runs here.

import { systemClock, within } from "../clock.ts";
import type { ResolvedConfig } from "../config/resolved-config.ts";
import { readRuntimeFile } from "../dev-server/runtime-file.ts";
import { RuntimeError } from "../errors.ts";
import { connect, type NatsConnection } from "../nats/connection.ts";
import { ownStateFolder } from "../state-folder.ts";
import type { Terminal } from "../terminal/terminal.ts";
import { type GlobalOptions, loadProject } from "./global-options.ts";

const FIRST_CONNECT_MS = 3_000;
const CLOSE_MS = 2_000;

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
    // To a server that reads nothing any more it would never end.
    await within(systemClock, CLOSE_MS, connection.close());
  }
}

/** Whether NATS is the one that the `dev` which runs here has brought: nobody's production. */
export function isOfDev({ nats }: ResolvedConfig): boolean {
  return nats.servers === undefined;
}

/** Of the `dev` that serves this project: it may be another user's, who can write to the project's folder. */
function runningServer(stateDir: string, rootDir: string) {
  return readRuntimeFile(stateDir) ?? readRuntimeFile(ownStateFolder(rootDir));
}

function serversOf({ nats, stateDir, rootDir }: ResolvedConfig): readonly string[] {
  const running = nats.servers === undefined ? runningServer(stateDir, rootDir) : undefined;
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
