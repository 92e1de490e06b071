// `handlers status`: how every handler stands, over all replicas.

import { systemClock } from "../../clock.ts";
import { noRuntime } from "../../control/client.ts";
import type { ReplicaInfo, StatusReply } from "../../control/control-protocol.ts";
import { silentAmong, watchersOf } from "../../control/intent-watchers.ts";
import { type HandlerSummary, summarize } from "../../control/summary.ts";
import { durablesSeen, leftBehind, leftLine, pendingOf } from "../../operate/kept-messages.ts";
import { handlersOf, type OperatorSession } from "../../operate/session.ts";
import type { LeftDurable } from "../../streams/left-behind.ts";
import { type Output, printLine, type Terminal } from "../../terminal/terminal.ts";
import { spanText } from "../../terminal/time-text.ts";
import { connectionLines } from "../connections-screen.ts";
import { meantHandlers, replicaText, silentLines, withControl } from "../control-session.ts";
import type { ExitCode } from "../exit-code.ts";
import { untilInterrupted } from "../interrupt.ts";
import type { Invocation } from "../invocation.ts";
import { nextRunOf } from "../schedule-text.ts";
import { paintTitle, statusLines, titleOf } from "../status-screen.ts";

export interface StatusOptions {
  readonly watch?: boolean;
  readonly json?: boolean;
  readonly replicas?: boolean;
  readonly connections?: boolean;
}

const REDRAW_MS = 1_000;

export function status(names: readonly string[], { terminal, options }: Invocation<StatusOptions>): Promise<ExitCode> {
  return withControl<ExitCode>(terminal, options, async (session) => {
    if (options.connections === true)
      return printConnections(await connectionsOfAll(session, names), options, terminal);
    const look = () => lookAt(session, names);
    const { out } = terminal;
    if (options.watch !== true) {
      print(await look(), options, out);
      return 0;
    }
    const interrupt = untilInterrupted();
    let before: Seen | undefined;
    while (!interrupt.signal.aborted) {
      const dueMs = systemClock.monotonicMs() + REDRAW_MS;
      before = await look();
      if (!interrupt.signal.aborted) redraw(before, options, out);
      await interrupt.delay(dueMs - systemClock.monotonicMs());
    }
    return 0;
  });
}

interface Seen {
  readonly app: string;
  readonly replies: readonly StatusReply[];
  readonly summaries: readonly HandlerSummary[];
  /** Replicas that are there and do not answer. */
  readonly silent: readonly ReplicaInfo[];
  /** Where messages of subjects wait that handlers do not take any more. */
  readonly left: readonly LeftDurable[];
}

async function lookAt(session: OperatorSession, words: readonly string[]): Promise<Seen> {
  const { client, connection, app } = session;
  const present = watchersOf(connection, app);
  const [all, watchers] = await Promise.all([client.status(undefined, present), present]);
  const durables = await durablesSeen(connection, app, all);
  const silent = silentAmong(
    watchers,
    all.map(({ replica }) => replica),
  );
  if (all.length + silent.length === 0) throw noRuntime(app);
  const names = new Set(meantHandlers(words, handlersOf(all)));
  const replies = all.map(({ replica, handlers }) => ({
    replica,
    handlers: handlers.filter(({ name }) => names.has(name)),
  }));
  const durable = replies.flatMap(({ handlers }) => handlers.filter(mayHaveBacklog).map(({ name }) => name));
  const kept = { app, durables, replies: all };
  const left = leftBehind(kept).filter(({ handler, waiting }) => names.has(handler) && waiting > 0);
  return { app, replies, summaries: summarize(replies, pendingOf(durable, kept)), silent, left };
}

/** Off since the start, nobody knows of which kind it is. */
function mayHaveBacklog({ kind }: { kind?: string }): boolean {
  return kind === "durable" || kind === undefined;
}

function print(seen: Seen, options: StatusOptions, out: Output): void {
  if (options.json === true) printLine(out, statusJson(seen));
  else for (const line of screenOf(seen, options, out)) printLine(out, line);
}

/** In place, without flicker: each line is overwritten, and what is left of longer ones cleared. */
function redraw(seen: Seen, options: StatusOptions, out: Output): void {
  if (options.json === true || !out.isTerminal) return print(seen, options, out);
  const lines = screenOf(seen, options, out).map((line) => `${line}\x1b[K\n`);
  out.write(`\x1b[H${lines.join("")}\x1b[J`);
}

function screenOf({ app, replies, summaries, silent, left }: Seen, options: StatusOptions, out: Output): string[] {
  const nowMs = systemClock.nowMs();
  const title = paintTitle(titleOf(app, replies, summaries), out);
  const unheard = [...left.map((one) => `${out.paint("yellow", "!")} ${leftLine(one)}`), ...silentLines(silent, out)];
  if (options.replicas !== true) return [...statusLines({ title, summaries, nowMs }, out), ...unheard];
  const each = replies.map((reply) => {
    return statusLines({ title: replicaTitle(reply.replica, nowMs, out), summaries: summarize([reply]), nowMs }, out);
  });
  return [title, ...each.flatMap((lines) => ["", ...lines]), ...unheard];
}

function replicaTitle(replica: ReplicaInfo, nowMs: number, { paint }: Output): string {
  return `${paint("bold", replicaText(replica))} ${paint("dim", `· up ${spanText(nowMs - replica.startedAtMs)}`)}`;
}

/** For `--json`: stable names, plain values. */
function statusJson({ app, replies, summaries, silent, left }: Seen): string {
  const replicas = replies.map(({ replica }) => replica);
  const handlers = summaries.map((summary) => ({ ...summary, ...nextRunOf(summary, systemClock.nowMs()) }));
  return JSON.stringify({ app, replicas, silent, handlers, left }, null, 2);
}

async function connectionsOfAll({ client, connection, app }: OperatorSession, words: readonly string[]) {
  const present = watchersOf(connection, app);
  const all = await client.status(undefined, present);
  if (all.length === 0) throw noRuntime(app);
  const found = await client.connections(meantHandlers(words, handlersOf(all)), present);
  return { app, ...found };
}

function printConnections(
  found: Awaited<ReturnType<typeof connectionsOfAll>>,
  options: StatusOptions,
  { out }: Terminal,
): ExitCode {
  if (options.json === true) printLine(out, JSON.stringify(found, null, 2));
  else for (const line of connectionLines(found, out.columns)) printLine(out, line);
  return 0;
}
