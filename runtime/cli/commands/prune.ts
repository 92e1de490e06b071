// `handlers prune`: durable consumers that nobody takes from: their handler is gone, or takes another subject now. While one
// is there, its messages count as wanted.

import { systemClock } from "../../clock.ts";
import type { ResolvedConfig } from "../../config/resolved-config.ts";
import { ControlClient } from "../../control/client.ts";
import { scan } from "../../discover/scan.ts";
import { leftBehind, told } from "../../operate/kept-messages.ts";
import { handlersOf } from "../../operate/session.ts";
import type { LeftDurable } from "../../streams/left-behind.ts";
import { type AppDurable, durablesOf, removeDurable, removeOrderedStream } from "../../streams/left-durables.ts";
import { tableLines } from "../../terminal/table.ts";
import { printError, printLine, type Terminal } from "../../terminal/terminal.ts";
import { countText } from "../control-session.ts";
import type { ExitCode } from "../exit-code.ts";
import type { Invocation } from "../invocation.ts";
import { withConnection } from "../nats-client.ts";

export interface PruneOptions {
  readonly yes?: boolean;
  /** An earlier name of this app. */
  readonly formerApp?: string;
  readonly json?: boolean;
}

export function prune({ terminal, options }: Invocation<PruneOptions>): Promise<ExitCode> {
  const { out, err } = terminal;
  const { yes = false, json = false, formerApp } = options;
  return withConnection<ExitCode>(terminal, options, async (connection, config) => {
    const app = formerApp ?? config.app;
    const client = new ControlClient(connection, app, config.nats.inboxPrefix, systemClock);
    const replies = await client.status();
    // The files are not those of the former app.
    const names = new Set([...handlersOf(replies), ...(formerApp === undefined ? await filesThere(config) : [])]);
    const durables = await durablesOf(connection, app, { buckets: "all" });
    const left = [
      ...durables.filter(({ handler }) => !names.has(handler)).map(told),
      ...leftBehind({ app, durables, replies }),
    ];
    if (yes) for (const durable of left) await removeDurable(connection, durable);
    if (yes) for (const stream of orderedStreamsOf(left, durables)) await removeOrderedStream(connection, stream);
    if (json) printLine(out, JSON.stringify({ app, removed: yes, durables: left }, null, 2));
    else if (left.length === 0) printLine(err, `every durable of app "${app}" has its handler`);
    else print(left, yes, terminal);
    return yes || left.length === 0 ? 0 : 1;
  });

  /** Names, those of broken files included. Throws HANDLERS_DIR_MISSING: that is no reason to prune. */
  async function filesThere(config: ResolvedConfig): Promise<readonly string[]> {
    const { files, conflicts, problems } = await scan(config.rootDir, config.handlersDir);
    const [problem, ...others] = problems;
    if (problem !== undefined) {
      for (const other of others) printError(terminal, other);
      throw problem;
    }
    return [...files, ...conflicts].map(({ name }) => name);
  }
}

/** Handlers' own: with the last durable goes what they hold. */
function orderedStreamsOf(left: readonly LeftDurable[], all: readonly AppDurable[]): ReadonlySet<string> {
  const gone = new Set(left.map(({ stream, durable }) => `${stream} ${durable}`));
  const partitions = all.filter(({ isPartition, stream, durable }) => isPartition && gone.has(`${stream} ${durable}`));
  return new Set(partitions.map(({ stream }) => stream));
}

function print(left: readonly LeftDurable[], removed: boolean, { out, err }: Terminal): void {
  const rows = left.map(({ handler, filter, stream, durable, waiting }) => {
    return [handler, String(waiting), filter, stream, durable];
  });
  const headings = ["HANDLER", "WAITING", "SUBJECT", "STREAM", "DURABLE"];
  const [heading = "", ...lines] = tableLines([headings, ...rows], out.columns);
  printLine(out, out.paint("dim", heading));
  for (const line of lines) printLine(out, line);
  const what = `${countText(left.length, "durable")} whose handler is gone, or does not take that subject any more`;
  if (removed) printLine(err, `${what} removed`);
  else
    printLine(
      err,
      `${what}; --yes removes them. A handler of that name and subject then starts with all that is stored`,
    );
}
