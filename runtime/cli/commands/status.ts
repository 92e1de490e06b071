// `handlers status`: how every handler stands, over all replicas.

import { systemClock } from "../../clock.ts";
import { Backlog } from "../../control/backlog.ts";
import { noRuntime } from "../../control/client.ts";
import type { ReplicaInfo, StatusReply } from "../../control/control-protocol.ts";
import { type HandlerSummary, summarize } from "../../control/summary.ts";
import { silentAmong, watchersOf } from "../../control/watchers.ts";
import {
  type ControlSession,
  handlersOf,
  meantHandlers,
  replicaText,
  silentLines,
  withControl,
} from "../control-session.ts";
import type { ExitCode } from "../exit-code.ts";
import { untilInterrupted } from "../interrupt.ts";
import type { Invocation } from "../invocation.ts";
import { spanText } from "../moment.ts";
import { paintTitle, statusLines, titleOf } from "../status-screen.ts";
import { type Output, printLine } from "../terminal.ts";

export interface StatusOptions {
  readonly watch?: boolean;
  readonly json?: boolean;
  readonly replicas?: boolean;
}

const REDRAW_MS = 1_000;

export function status(names: readonly string[], { terminal, options }: Invocation<StatusOptions>): Promise<ExitCode> {
  return withControl<ExitCode>(terminal, options, async (session) => {
    const backlog = new Backlog(session.connection, session.app);
    const look = () => lookAt(session, backlog, names);
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
}

async function lookAt(session: ControlSession, backlog: Backlog, words: readonly string[]): Promise<Seen> {
  const { client, connection, app } = session;
  const [all, watchers] = await Promise.all([client.status(), watchersOf(connection, app)]);
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
  const pending = await backlog.ofAll([...new Set(durable)]);
  return { app, replies, summaries: summarize(replies, pending), silent };
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

function screenOf({ app, replies, summaries, silent }: Seen, options: StatusOptions, out: Output): string[] {
  const nowMs = systemClock.nowMs();
  const title = paintTitle(titleOf(app, replies, summaries), out);
  const unheard = silentLines(silent, out);
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
function statusJson({ app, replies, summaries, silent }: Seen): string {
  const replicas = replies.map(({ replica }) => replica);
  return JSON.stringify({ app, replicas, silent, handlers: summaries }, null, 2);
}
