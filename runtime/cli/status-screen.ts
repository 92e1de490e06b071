// `handlers status` as a screen: one line for each handler, and what is wrong with it below. Pure.

import { canaryTexts } from "../control/canary-text.ts";
import type { ReportedError, StatusReply } from "../control/control-protocol.ts";
import { slowStartText } from "../control/slow-start-text.ts";
import type { HandlerSummary } from "../control/summary.ts";
import { type Column, columnLines } from "../terminal/columns.ts";
import { withoutName } from "../terminal/error-text.ts";
import type { Output } from "../terminal/terminal.ts";
import { spanText } from "../terminal/time-text.ts";
import { wrap } from "../terminal/wrap.ts";
import { countText } from "./control-session.ts";
import { disabledTexts } from "./disabled-text.ts";
import { holdTexts } from "./hold-text.ts";
import { rollbackTexts } from "./rollback-text.ts";
import { runsText } from "./schedule-text.ts";

type State = HandlerSummary["state"];
type Look = readonly [mark: string, style: Parameters<Output["paint"]>[0]];

const GOOD: Look = ["✓", "green"];
const BAD: Look = ["✗", "red"];
const STUCK: Look = ["!", "yellow"];
const COMING: Look = ["↻", "yellow"];
const LOOKS: Readonly<Record<State, Look>> = {
  serving: GOOD,
  waking: GOOD,
  idle: ["✓", "dim"],
  disabled: ["-", "yellow"],
  starting: COMING,
  restarting: COMING,
  "backing-off": BAD,
  quarantined: BAD,
  failed: BAD,
  stopped: ["-", "dim"],
};

const INDENT = "  ";

export interface Screen {
  readonly title: string;
  readonly summaries: readonly HandlerSummary[];
  readonly nowMs: number;
}

export function statusLines({ title, summaries, nowMs }: Screen, { columns, paint }: Output): string[] {
  const [heading = "", ...rows] = columnLines(tableOf(summaries), columns - INDENT.length);
  const handlers = summaries.flatMap((summary, at) => {
    const [mark, style] = lookOf(summary);
    const row = `${paint(style, mark)} ${paintState(rows[at] ?? "", summary, paint)}`;
    return [row, ...remarks(summary, nowMs, columns - 4, paint).map((line) => `    ${line}`)];
  });
  const told = summaries.length === 0 ? [paint("dim", "no handlers")] : [paint("dim", INDENT + heading), ...handlers];
  return [title, "", ...told];
}

/** `shop · 3 replicas · 4 handlers, 1 disabled, 1 failed`. */
export function titleOf(app: string, replies: readonly StatusReply[], summaries: readonly HandlerSummary[]): string {
  const counts = new Map<State, number>();
  for (const summary of summaries) {
    const { state } = summary;
    if (LOOKS[state] !== GOOD) counts.set(state, (counts.get(state) ?? 0) + 1);
  }
  const stuck = summaries.filter(({ holds }) => holds.length > 0).length;
  const others = [...counts, ...(stuck === 0 ? [] : [["stuck", stuck] as const])].map(
    ([state, count]) => `${count} ${state}`,
  );
  return [
    app,
    countText(replies.length, "replica"),
    [countText(summaries.length, "handler"), ...others].join(", "),
  ].join(" · ");
}

export function paintTitle(title: string, { paint }: Output): string {
  const [app = "", ...rest] = title.split(" · ");
  return `${paint("bold", app)} ${paint("dim", `· ${rest.join(" · ")}`)}`;
}

function paintState(row: string, summary: HandlerSummary, paint: Output["paint"]): string {
  const text = stateText(summary);
  const at = row.indexOf(text, summary.name.length);
  if (at < 0) return row;
  return `${row.slice(0, at)}${paint(lookOf(summary)[1], text)}${row.slice(at + text.length)}`;
}

/** What takes messages, and gets none, is not well. */
function lookOf({ state, holds }: HandlerSummary): Look {
  const look = LOOKS[state];
  return holds.length > 0 && look[0] === GOOD[0] ? STUCK : look;
}

/** With the number of replicas when they do not agree. */
export function stateText({ state, inState, replicas }: HandlerSummary): string {
  return inState === replicas.length ? state : `${state} ${inState}/${replicas.length}`;
}

function tableOf(summaries: readonly HandlerSummary[]): Column[] {
  const text = (heading: string, cell: (summary: HandlerSummary) => string, rest: Partial<Column> = {}): Column => {
    return { heading, cells: summaries.map(cell), align: "left", ...rest };
  };
  const number = (heading: string, value: (summary: HandlerSummary) => number | undefined, worth: number): Column => {
    const values = summaries.map(value);
    // What is nothing everywhere goes first.
    const isIdle = values.every((count) => count === undefined || count === 0);
    return { heading, cells: values.map(countCell), align: "right", worth: isIdle ? worth - 100 : worth };
  };
  const differ = summaries.some(({ versions }) => versions.length > 1);
  return [
    text("NAME", ({ name }) => name, { shrinks: true }),
    text("STATE", stateText),
    text("KIND", ({ kind = "-" }) => kind, { worth: 4 }),
    text("SUBJECT", ({ subject = "-" }) => subject, { worth: 7 }),
    text("VERSION", versionCell, { worth: differ ? 8 : 1 }),
    number("FLIGHT", ({ inFlight }) => inFlight, 109),
    number("QUEUED", ({ queued }) => queued, 6),
    number("PENDING", ({ pending }) => pending, 9),
    number("HANDLED", ({ handled }) => handled, 111),
    number("FAILED", ({ failed }) => failed, 110),
    text("P50", ({ p50Ms }) => millisecondsCell(p50Ms), { worth: 2, align: "right" }),
    text("P99", ({ p99Ms }) => millisecondsCell(p99Ms), { worth: 5, align: "right" }),
    number("RESTARTS", ({ restarts }) => restarts, 10),
    text("MEMORY", ({ memoryBytes }) => memoryCell(memoryBytes), { worth: 3, align: "right" }),
  ];
}

function versionCell({ versions }: HandlerSummary): string {
  const [first] = versions;
  if (first === undefined) return "-";
  return versions.length === 1 ? first.version.slice(0, 8) : `${versions.length} versions`;
}

/** `1234`, `12.3k`, `4.5M`. */
export function countCell(count: number | undefined): string {
  if (count === undefined) return "-";
  if (count < 10_000) return String(count);
  return count < 1_000_000 ? `${(count / 1_000).toFixed(1)}k` : `${(count / 1_000_000).toFixed(1)}M`;
}

export function millisecondsCell(ms: number): string {
  if (ms === 0) return "-";
  if (ms < 10) return `${ms.toFixed(1)}ms`;
  return ms < 1_000 ? `${Math.round(ms)}ms` : `${(ms / 1_000).toFixed(1)}s`;
}

export function memoryCell(bytes: number | undefined): string {
  return bytes === undefined ? "-" : `${Math.round(bytes / 1024 ** 2)}MiB`;
}

function remarks(summary: HandlerSummary, nowMs: number, width: number, paint: Output["paint"]): string[] {
  const off = disabledTexts(summary, nowMs).flatMap((text) => wrap(text, width).split("\n"));
  const { schedule } = summary;
  const runs = schedule === undefined ? [] : wrap(`runs ${runsText(summary, schedule, nowMs)}`, width).split("\n");
  const deferred =
    summary.deferred === undefined ? [] : [`deferred ${summary.deferred}: settled later, and in no slot`];
  const slowStart = slowStartText(summary);
  const slowly = slowStart === undefined ? [] : wrap(slowStart, width).split("\n");
  return [
    ...[...runs, ...deferred].map((line) => paint("dim", line)),
    ...off.map((line) => paint("yellow", line)),
    ...slowly.map((line) => paint("yellow", line)),
    ...holdTexts(summary, nowMs).flatMap((text) =>
      wrap(text, width)
        .split("\n")
        .map((line) => paint("yellow", line)),
    ),
    ...rollbackRemark(summary, nowMs, width).map((line) => paint("yellow", line)),
    ...versionRemark(summary).map((line) => paint("yellow", line)),
    ...errorRemark(summary, nowMs, width, paint),
  ];
}

/** Each once, however many replicas follow a rollback. */
function rollbackRemark({ replicas }: HandlerSummary, nowMs: number, width: number): string[] {
  const texts = new Set(replicas.flatMap(({ handler }) => [...canaryTexts(handler), ...rollbackTexts(handler, nowMs)]));
  return [...texts].flatMap((text) => wrap(text, width).split("\n"));
}

function versionRemark({ versions }: HandlerSummary): string[] {
  if (versions.length < 2) return [];
  const each = versions.map(({ version, replicas }) => `${version.slice(0, 8)} (${countText(replicas, "replica")})`);
  return [`runs in ${versions.length} versions: ${each.join(", ")}`];
}

/** What keeps it from coming up; else the last thing that went wrong, when that was. */
function errorRemark(
  { name, replicas }: HandlerSummary,
  nowMs: number,
  width: number,
  paint: Output["paint"],
): string[] {
  const failure = replicas.flatMap(({ handler }) => handler.lastFailure ?? [])[0];
  if (failure !== undefined) return [paint("red", oneLine(errorLine(name, failure), width))];
  const errors = replicas.flatMap(({ handler }) => handler.lastError ?? []);
  const [last] = errors.sort((a, b) => b.atMs - a.atMs);
  if (last === undefined) return [];
  return [paint("dim", oneLine(`${spanText(nowMs - last.atMs)} ago ${errorLine(name, last)}`, width))];
}

function errorLine(name: string, { code, message, place }: ReportedError): string {
  const [first = ""] = withoutName(message, name).split("\n");
  return `${code}: ${first}${place === undefined || first.includes(place) ? "" : ` (${place})`}`;
}

function oneLine(text: string, width: number): string {
  return text.length > width ? `${text.slice(0, width - 1)}…` : text;
}
