// `handlers prune --versions`: the versions that are kept of handlers which no replica and no file has any more.

import { systemClock } from "../../clock.ts";
import { silentAmong, watchersOf } from "../../control/intent-watchers.ts";
import { type LeftVersions, leftVersions } from "../../operate/left-versions.ts";
import { tableLines } from "../../terminal/table.ts";
import { printLine, type Terminal } from "../../terminal/terminal.ts";
import { spanText } from "../../terminal/time-text.ts";
import { countText, silentLines } from "../control-session.ts";
import { sizeText } from "../duration-text.ts";
import type { ExitCode } from "../exit-code.ts";
import type { Invocation } from "../invocation.ts";
import { namesThere, type PruneOptions } from "../names-there.ts";
import { withConnection } from "../nats-client.ts";

const LEFT: ExitCode = 1;

/** 0: nothing is left, or it was removed; 1: something is left, or cannot be told for a replica that does not answer. */
export function pruneVersions({ terminal, options }: Invocation<PruneOptions>): Promise<ExitCode> {
  const { out, err } = terminal;
  const { yes = false, json = false } = options;
  return withConnection<ExitCode>(terminal, options, async (connection, config) => {
    const { app, names, replies } = await namesThere(connection, config, { terminal, options });
    const answered = replies.map(({ replica }) => replica);
    const silent = silentAmong(await watchersOf(connection, app), answered);
    const { left, forget } = await leftVersions({ connection, app, isThere: (handler) => names.has(handler) });
    const free = left.filter(({ rolledBackBy }) => rolledBackBy === undefined);
    // What such a replica has may be what is gone everywhere else.
    const removed = yes && silent.length === 0;
    if (removed) for (const one of free) await forget(one);
    if (json) printLine(out, JSON.stringify({ app, removed, versions: left, silent }, null, 2));
    else print({ app, left, free, removed }, terminal);
    for (const line of silentLines(silent, err)) printLine(err, `${line}: nothing is removed`);
    return silent.length === 0 && (removed || free.length === 0) ? 0 : LEFT;
  });
}

interface Found {
  readonly app: string;
  readonly left: readonly LeftVersions[];
  /** Those that may go. */
  readonly free: readonly LeftVersions[];
  readonly removed: boolean;
}

function print({ app, left, free, removed }: Found, { out, err }: Terminal): void {
  if (left.length === 0)
    return printLine(err, `versions are kept of handlers of app "${app}" that are there, and no others`);
  const nowMs = systemClock.nowMs();
  const rows = left.map(({ handler, versions, bytes, servedMs, rolledBackBy }) => [
    handler,
    String(versions),
    sizeText(bytes),
    servedMs === 0 ? "" : `${spanText(nowMs - servedMs)} ago`,
    rolledBackBy === undefined ? "" : `stay: rolled back by ${rolledBackBy}`,
  ]);
  const [heading = "", ...lines] = tableLines([["HANDLER", "VERSIONS", "SIZE", "WENT LIVE", ""], ...rows], out.columns);
  printLine(out, out.paint("dim", heading));
  for (const line of lines) printLine(out, line);
  if (free.length < left.length)
    printLine(err, "who is rolled back keeps its versions: `handlers rollback NAME --off` takes the rollback back");
  if (free.length === 0) return;
  const what = `the versions of ${countText(free.length, "handler")} that no replica and no file has`;
  printLine(
    err,
    removed ? `${what} are removed` : `${what}; --yes removes them, and nobody can roll back to them then`,
  );
}
