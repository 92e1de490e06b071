// `handlers reload`: build handlers and bring them up again on every replica, also when nothing in them has changed.

import type { ReloadedHandler, ReplicaInfo } from "../../control/control-protocol.ts";
import { silentAmong, watchersOf } from "../../control/intent-watchers.ts";
import { handlersOf } from "../../operate/session.ts";
import { tableLines } from "../../terminal/table.ts";
import { printLine, type Terminal } from "../../terminal/terminal.ts";
import { meantHandlers, printGone, silentLines, statusOfAll, withControl } from "../control-session.ts";
import type { ExitCode } from "../exit-code.ts";
import type { Invocation } from "../invocation.ts";
import { printReported } from "../reported-error.ts";

const RELOAD_MS = 60_000;

interface Reloaded {
  readonly replica: ReplicaInfo;
  readonly handler: ReloadedHandler;
}

export function reload(
  words: readonly string[],
  { terminal, options }: Invocation<{ json?: boolean }>,
): Promise<ExitCode> {
  return withControl(terminal, options, async (session) => {
    const { connection, app } = session;
    const [replies, watchers] = await Promise.all([statusOfAll(session), watchersOf(connection, app)]);
    const names = meantHandlers(words, handlersOf(replies));
    const asked = replies.map(({ replica }) => replica);
    const reloaded = await session.client.reload(names, asked, RELOAD_MS);
    // Those that were silent before are not waited for: what is asked they will find, if they ever go on.
    const silent = [...reloaded.silent, ...silentAmong(watchers, asked)];
    const results = reloaded.replies.flatMap(({ replica, reloaded: handlers = [] }) =>
      handlers.map((handler) => ({ replica, handler })),
    );
    results.sort((a, b) => (a.handler.name < b.handler.name ? -1 : a.handler.name > b.handler.name ? 1 : 0));
    const ok = silent.length === 0 && results.every(({ handler }) => isFine(handler));
    if (options.json === true) printLine(terminal.out, reloadJson(ok, results, silent, reloaded.gone));
    else {
      print(results, silent, terminal);
      printGone(terminal, reloaded.gone);
    }
    return ok ? 0 : 1;
  });
}

/** A disabled handler is left alone, which is no failure. */
function isFine({ error, state }: ReloadedHandler): boolean {
  return error === undefined || state === "disabled";
}

function print(results: readonly Reloaded[], silent: readonly ReplicaInfo[], terminal: Terminal): void {
  const { out, err } = terminal;
  const lines = tableLines(results.map(rowOf), out.columns - 2);
  for (const [at, { handler }] of results.entries()) {
    const fine = isFine(handler);
    printLine(out, `${out.paint(fine ? "green" : "red", fine ? "↻" : "✗")} ${lines[at] ?? ""}`);
    if (!fine && handler.error !== undefined) printReported(out, handler.error, handler.name, "    ");
  }
  for (const line of silentLines(silent, err)) printLine(err, line);
}

function rowOf({ replica, handler }: Reloaded): string[] {
  const { name, state, version, tookMs } = handler;
  const result = state === "disabled" ? "is disabled; left alone" : `${state} ${version?.slice(0, 8) ?? ""}`.trimEnd();
  return [name, replica.instance, `${Math.round(tookMs)} ms`, result];
}

function reloadJson(
  ok: boolean,
  results: readonly Reloaded[],
  silent: readonly ReplicaInfo[],
  gone: readonly ReplicaInfo[],
): string {
  const reloaded = results.map(({ replica, handler }) => ({ replica: replica.instance, ...handler }));
  return JSON.stringify({ ok, reloaded, silent, gone }, null, 2);
}
