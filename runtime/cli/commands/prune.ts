// `handlers prune`: durable consumers that nobody takes from: their handler is gone, or takes another subject now. While one
// is there, its messages count as wanted.

import { leftBehind, told } from "../../operate/kept-messages.ts";
import type { LeftDurable } from "../../streams/left-behind.ts";
import { type AppDurable, durablesOf, removeDurable, removeOrderedStream } from "../../streams/left-durables.ts";
import { tableLines } from "../../terminal/table.ts";
import { printLine, type Terminal } from "../../terminal/terminal.ts";
import { countText } from "../control-session.ts";
import type { ExitCode } from "../exit-code.ts";
import type { Invocation } from "../invocation.ts";
import { namesThere, type PruneOptions } from "../names-there.ts";
import { withConnection } from "../nats-client.ts";

export async function prune({ terminal, options }: Invocation<PruneOptions>): Promise<ExitCode> {
  if (options.versions === true) {
    const { pruneVersions } = await import("./prune-versions.ts");
    return pruneVersions({ terminal, options });
  }
  const { out, err } = terminal;
  const { yes = false, json = false } = options;
  return withConnection<ExitCode>(terminal, options, async (connection, config) => {
    const { app, names, replies } = await namesThere(connection, config, { terminal, options });
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
