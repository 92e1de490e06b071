// `handlers inspect NAME`: everything known of one handler, replica by replica.

import { systemClock } from "../../clock.ts";
import { Backlog } from "../../control/backlog.ts";
import { type HandlerSummary, summarize } from "../../control/summary.ts";
import { handlersOf, replicaText, statusOfAll, unknownHandlers, withControl } from "../control-session.ts";
import { disabledText } from "../disabled-text.ts";
import type { ExitCode } from "../exit-code.ts";
import type { Invocation } from "../invocation.ts";
import { spanText } from "../moment.ts";
import { printReported } from "../reported-error.ts";
import { countCell, memoryCell, millisecondsCell, stateText } from "../status-screen.ts";
import { type Output, printLine } from "../terminal.ts";

export function inspectHandler(name: string, { terminal, options }: Invocation<{ json?: boolean }>): Promise<ExitCode> {
  return withControl<ExitCode>(terminal, options, async (session) => {
    const replies = await statusOfAll(session);
    const known = handlersOf(replies);
    if (!known.has(name)) throw unknownHandlers([name], known);
    const own = replies.map(({ replica, handlers }) => ({
      replica,
      handlers: handlers.filter((one) => one.name === name),
    }));
    const pending = await new Backlog(session.connection, session.app).ofAll([name]);
    const [summary] = summarize(own, pending);
    const { out } = terminal;
    if (options.json === true) printLine(out, JSON.stringify(summary, null, 2));
    else if (summary !== undefined) print(summary, out);
    return 0;
  });
}

type Held = HandlerSummary["replicas"][number];

function print(summary: HandlerSummary, out: Output): void {
  const { name, kind, subject, file, pending } = summary;
  printLine(out, `${out.paint("bold", name)}  ${stateText(summary)}`);
  const what = kind === undefined ? "nothing is known of it before it serves" : `${kind} handler of "${subject}"`;
  printFact(out, "what", what);
  printFact(out, "file", file);
  if (pending !== undefined) printFact(out, "stream", `${countCell(pending)} messages not settled`);
  printFact(out, "done", countsText(summary));
  const nowMs = systemClock.nowMs();
  for (const held of summary.replicas) printReplica(held, nowMs, out);
}

function printReplica({ replica, handler }: Held, nowMs: number, out: Output): void {
  const { state, version, inFlight, queued, reloads, restarts, pids, memoryBytes, disabled, lastFailure, lastError } =
    handler;
  printLine(
    out,
    `\n${out.paint("bold", `replica ${replicaText(replica)}`)} ${out.paint("dim", `· up ${spanText(nowMs - replica.startedAtMs)}`)}`,
  );
  printFact(out, "state", version === undefined ? state : `${state}, version ${version}`);
  if (disabled !== undefined) printFact(out, "", out.paint("yellow", disabledText(disabled, nowMs)));
  const process = pids.length === 0 ? "none" : `pid ${pids.join(", ")}, ${memoryCell(memoryBytes)}`;
  printFact(out, "process", `${process}; ${reloads} reloads, ${restarts} restarts`);
  printFact(out, "now", `${inFlight} in flight, ${queued} queued`);
  printFact(out, "done", countsText(handler));
  if (lastFailure !== undefined) {
    printFact(out, "save", out.paint("red", "the last version did not come up"));
    printReported(out, lastFailure, handler.name, "           ");
  }
  if (lastError !== undefined && lastError.message !== lastFailure?.message) {
    printFact(out, "trouble", `${spanText(nowMs - lastError.atMs)} ago`);
    printReported(out, lastError, handler.name, "           ");
  }
}

interface Counts {
  readonly handled: number;
  readonly failed: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

function countsText({ handled, failed, p50Ms, p99Ms }: Counts): string {
  const times =
    handled + failed === 0 ? "" : `; half within ${millisecondsCell(p50Ms)}, 99 % within ${millisecondsCell(p99Ms)}`;
  return `${handled} handled, ${failed} failed${times}`;
}

function printFact(out: Output, name: string, text: string): void {
  printLine(out, `  ${out.paint("dim", name.padEnd(8))} ${text}`);
}
