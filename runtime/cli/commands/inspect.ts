// `handlers inspect NAME`: everything known of one handler, replica by replica.

import { systemClock } from "../../clock.ts";
import { canaryTexts } from "../../control/canary-text.ts";
import { slowStartText } from "../../control/slow-start-text.ts";
import { type HandlerSummary, summarize } from "../../control/summary.ts";
import { quotedClaims } from "../../metadata/claims.ts";
import type { BatchRule, FairRule, RateRule } from "../../metadata/handler-metadata.ts";
import { messageKeyText } from "../../metadata/message-key.ts";
import { spacingText } from "../../metadata/spacing.ts";
import { durablesSeen, leftBehind, leftLine, pendingOf } from "../../operate/kept-messages.ts";
import { handlersOf } from "../../operate/session.ts";
import { type Output, printLine } from "../../terminal/terminal.ts";
import { spanText } from "../../terminal/time-text.ts";
import type { KeptVersion } from "../../versions/kept-version.ts";
import { replicaText, statusOfAll, unknownHandlers, withControl } from "../control-session.ts";
import { disabledText } from "../disabled-text.ts";
import { durationText, rateText } from "../duration-text.ts";
import type { ExitCode } from "../exit-code.ts";
import { holdText } from "../hold-text.ts";
import type { Invocation } from "../invocation.ts";
import { keptVersionsOf } from "../kept-versions.ts";
import { printReported } from "../reported-error.ts";
import { rollbackTexts } from "../rollback-text.ts";
import { nextRunOf, runsText } from "../schedule-text.ts";
import { countCell, memoryCell, millisecondsCell, stateText } from "../status-screen.ts";

export function inspectHandler(name: string, { terminal, options }: Invocation<{ json?: boolean }>): Promise<ExitCode> {
  return withControl<ExitCode>(terminal, options, async (session) => {
    const replies = await statusOfAll(session);
    const known = handlersOf(replies);
    if (!known.has(name)) throw unknownHandlers([name], known);
    const own = replies.map(({ replica, handlers }) => ({
      replica,
      handlers: handlers.filter((one) => one.name === name),
    }));
    const { app } = session;
    const kept = { app, durables: await durablesSeen(session.connection, app, replies), replies };
    const [summary] = summarize(own, pendingOf([name], kept));
    const left = leftBehind(kept).filter(({ handler, waiting }) => handler === name && waiting > 0);
    const versions = await keptVersionsOf(session, name).catch(() => undefined); // Who may not read them sees the rest.
    const { out } = terminal;
    if (summary === undefined) return 0;
    const nextRun = nextRunOf(summary, systemClock.nowMs());
    if (options.json === true)
      printLine(out, JSON.stringify({ ...summary, ...nextRun, left, kept: versions }, null, 2));
    else print(summary, left.map(leftLine), versions ?? [], out);
    return 0;
  });
}

function batchText({ size, waitMs, key }: BatchRule): string {
  const others = key === undefined ? "others" : `others of their ${messageKeyText(key)}`;
  return `of up to ${size} messages, which wait up to ${durationText(waitMs)} for ${others}`;
}

function ratePolicyText({ per, key, ...rate }: RateRule): string {
  const where = per === "fleet" ? "over all replicas" : "in each replica";
  return `at most ${rateText(rate)} begin ${where}${key === undefined ? "" : `, for each ${messageKeyText(key)}`}`;
}

function fairText({ key, concurrency }: FairRule): string {
  const most = concurrency === undefined ? "" : `, at most ${concurrency} of one at a time in each replica`;
  return `each ${messageKeyText(key)} has its turn${most}`;
}

type Held = HandlerSummary["replicas"][number];

function print(summary: HandlerSummary, left: readonly string[], kept: readonly KeptVersion[], out: Output): void {
  const { name, kind, subjects = [], file, pending, batch } = summary;
  printLine(out, `${out.paint("bold", name)}  ${stateText(summary)}`);
  const what =
    kind === undefined ? "nothing is known of it before it serves" : `${kind} handler of ${quotedClaims(subjects)}`;
  printFact(out, "what", what);
  if (batch !== undefined) printFact(out, "batches", batchText(batch));
  const spacing = summary.spacing && spacingText(summary.spacing, durationText);
  if (spacing !== undefined) printFact(out, "spacing", spacing);
  if (summary.rate !== undefined) printFact(out, "rate", ratePolicyText(summary.rate));
  if (summary.fairBy !== undefined) printFact(out, "fair", fairText(summary.fairBy));
  if (summary.outputs === "atomic") printFact(out, "outputs", "stored as one when the function has returned, and once");
  printFact(out, "file", file);
  const { schedule } = summary;
  const nowMs = systemClock.nowMs();
  if (schedule !== undefined) printFact(out, "runs", runsText(summary, schedule, nowMs));
  const slowStart = slowStartText(summary);
  if (slowStart !== undefined) printFact(out, "start", out.paint("yellow", slowStart));
  if (pending !== undefined) printFact(out, "stream", `${countCell(pending)} messages not settled`);
  for (const line of left) printFact(out, "left", out.paint("yellow", line));
  printFact(out, "done", countsText(summary));
  for (const [at, { version, servedMs }] of kept.entries())
    printFact(out, at === 0 ? "kept" : "", `${version}, live ${spanText(nowMs - servedMs)} ago`);
  for (const held of summary.replicas) printReplica(held, nowMs, out);
}

function printReplica({ replica, handler }: Held, nowMs: number, out: Output): void {
  const {
    state,
    version,
    servesSinceMs,
    inFlight,
    deferred,
    queued,
    reloads,
    restarts,
    pids,
    memoryBytes,
    group,
    sharesWith = [],
  } = handler;
  const { disabled, holds = [], lastFailure, lastError } = handler;
  printLine(
    out,
    `\n${out.paint("bold", `replica ${replicaText(replica)}`)} ${out.paint("dim", `· up ${spanText(nowMs - replica.startedAtMs)}`)}`,
  );
  const since = servesSinceMs === undefined ? "" : ` for ${spanText(nowMs - servesSinceMs)}`;
  printFact(out, "state", version === undefined ? state : `${state}, version ${version}${since}`);
  for (const text of canaryTexts(handler)) printFact(out, "canary", out.paint("yellow", text));
  for (const text of rollbackTexts(handler, nowMs)) printFact(out, "", out.paint("yellow", text));
  if (disabled !== undefined) printFact(out, "", out.paint("yellow", disabledText(disabled, nowMs)));
  for (const hold of holds) printFact(out, "stuck", out.paint("yellow", holdText(hold, nowMs)));
  const process = pids.length === 0 ? "none" : `pid ${pids.join(", ")}, ${memoryCell(memoryBytes)}`;
  printFact(out, "process", `${process}; ${reloads} reloads, ${restarts} restarts`);
  if (handler.standby === true) printFact(out, "", "stands by: another replica runs it (singleton)");
  if (group !== undefined)
    printFact(
      out,
      "group",
      `${group}, ${sharesWith.length === 0 ? "alone in its process" : `with ${sharesWith.join(", ")}`}`,
    );
  printFact(
    out,
    "now",
    `${inFlight} in flight${deferred === undefined ? "" : ` (${deferred} deferred)`}, ${queued} queued`,
  );
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
  readonly filtered?: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

function countsText({ handled, failed, filtered = 0, p50Ms, p99Ms }: Counts): string {
  const times =
    handled + failed === 0 ? "" : `; half within ${millisecondsCell(p50Ms)}, 99 % within ${millisecondsCell(p99Ms)}`;
  const passed = filtered === 0 ? "" : `, ${filtered} filtered out`;
  return `${handled} handled, ${failed} failed${passed}${times}`;
}

function printFact(out: Output, name: string, text: string): void {
  printLine(out, `  ${out.paint("dim", name.padEnd(8))} ${text}`);
}
