// `handlers prune`: durable consumers whose handler is gone. While one is there, its messages count as wanted.

import type { NatsConnection } from "../../bind/connection.ts";
import { type AppDurable, durablesOf, removeDurable } from "../../bind/left-durables.ts";
import { systemClock } from "../../clock.ts";
import type { ResolvedConfig } from "../../config/resolved-config.ts";
import { ControlClient } from "../../control/client.ts";
import { scan } from "../../discover/scan.ts";
import { countText, handlersOf } from "../control-session.ts";
import type { ExitCode } from "../exit-code.ts";
import type { Invocation } from "../invocation.ts";
import { withConnection } from "../nats-client.ts";
import { tableLines } from "../table.ts";
import { printError, printLine, type Terminal } from "../terminal.ts";

export interface PruneOptions {
  readonly yes?: boolean;
  readonly json?: boolean;
}

export function prune({ terminal, options }: Invocation<PruneOptions>): Promise<ExitCode> {
  const { out, err } = terminal;
  const { yes = false, json = false } = options;
  return withConnection<ExitCode>(terminal, options, async (connection, config) => {
    const handlers = await handlersThere(connection, config);
    const left = (await durablesOf(connection, config.app)).filter(({ handler }) => !handlers.has(handler));
    if (yes) for (const durable of left) await removeDurable(connection, durable);
    if (json) printLine(out, JSON.stringify({ app: config.app, removed: yes, durables: left }, null, 2));
    else if (left.length === 0) printLine(err, `every durable of app "${config.app}" has its handler`);
    else print(left, yes, terminal);
    return yes || left.length === 0 ? 0 : 1;
  });

  /** By their files, broken ones included, and by what runs elsewhere. Throws HANDLERS_DIR_MISSING: that is no reason to prune. */
  async function handlersThere(connection: NatsConnection, config: ResolvedConfig): Promise<ReadonlySet<string>> {
    const { files, conflicts, problems } = await scan(config.rootDir, config.handlersDir);
    const [problem, ...others] = problems;
    if (problem !== undefined) {
      for (const other of others) printError(terminal, other);
      throw problem;
    }
    const client = new ControlClient(connection, config.app, config.nats.inboxPrefix, systemClock);
    const running = handlersOf(await client.status());
    return new Set([...files, ...conflicts].map(({ name }) => name).concat([...running]));
  }
}

function print(left: readonly AppDurable[], removed: boolean, { out, err }: Terminal): void {
  const rows = left.map(({ handler, stream, durable, waiting }) => [handler, String(waiting), stream, durable]);
  const [heading = "", ...lines] = tableLines([["HANDLER", "WAITING", "STREAM", "DURABLE"], ...rows], out.columns);
  printLine(out, out.paint("dim", heading));
  for (const line of lines) printLine(out, line);
  const what = `${countText(left.length, "durable")} whose handler is gone`;
  if (removed) printLine(err, `${what} removed`);
  else printLine(err, `${what}; --yes removes them. A handler of that name then starts with all that is stored`);
}
