// Which handlers an app has, for those who tidy up after the others: what replicas run, and what lies here as files.

import { systemClock } from "../clock.ts";
import type { ResolvedConfig } from "../config/resolved-config.ts";
import { ControlClient } from "../control/client.ts";
import type { StatusReply } from "../control/control-protocol.ts";
import { scan } from "../discover/scan.ts";
import type { NatsConnection } from "../nats/connection.ts";
import { handlersOf } from "../operate/session.ts";
import { printError, type Terminal } from "../terminal/terminal.ts";
import type { Invocation } from "./invocation.ts";

export interface PruneOptions {
  readonly yes?: boolean;
  /** Of handlers that are gone, instead of durables. */
  readonly versions?: boolean;
  /** An earlier name of this app. */
  readonly formerApp?: string;
  readonly json?: boolean;
}

export interface NamesThere {
  readonly app: string;
  readonly names: ReadonlySet<string>;
  readonly replies: readonly StatusReply[];
}

export async function namesThere(
  connection: NatsConnection,
  config: ResolvedConfig,
  { terminal, options: { formerApp } }: Invocation<PruneOptions>,
): Promise<NamesThere> {
  const app = formerApp ?? config.app;
  const replies = await new ControlClient(connection, app, config.nats.inboxPrefix, systemClock).status();
  // The files are not those of the former app.
  const files = formerApp === undefined ? await filesThere(config, terminal) : [];
  return { app, replies, names: new Set([...handlersOf(replies), ...files]) };
}

/** Names, those of broken files included. Throws HANDLERS_DIR_MISSING: that is no reason to prune. */
async function filesThere(config: ResolvedConfig, terminal: Terminal): Promise<readonly string[]> {
  const { files, conflicts, problems } = await scan(config.rootDir, config.handlersDir);
  const [problem, ...others] = problems;
  if (problem !== undefined) {
    for (const other of others) printError(terminal, other);
    throw problem;
  }
  return [...files, ...conflicts].map(({ name }) => name);
}
