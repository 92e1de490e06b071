// The live log of `dev`: what happens, for the person who writes handlers, 80 columns wide.
//
// Each event is one line, or none; errors bring their place, frame and remedy on lines of their own, indented.

import { assertNever, type RuntimeError } from "../errors.ts";
import type { LogLevel, RuntimeEvent } from "../events.ts";
import { errorText } from "./error-text.ts";
import { fieldsText } from "./log-fields.ts";
import { isTold, levelOf } from "./log-level.ts";
import type { Paint, Style } from "./paint.ts";

export interface DevLogView {
  readonly paint: Paint;
  readonly columns: number;
  /** The least level shown. */
  readonly level: LogLevel;
  /** Width of the column of handler names. */
  readonly nameWidth: number;
}

type Of<T extends RuntimeEvent["type"]> = Extract<RuntimeEvent, { type: T }>;

const INDENT = "    ";
const SUBJECT_WIDTH = 16;
const LOG_STYLES: Readonly<Partial<Record<LogLevel, Style>>> = {
  trace: "dim",
  debug: "dim",
  warn: "yellow",
  error: "red",
  fatal: "red",
};

/** The event as text without a line end; undefined when it is not shown. Pure. */
export function formatEvent(event: RuntimeEvent, view: DevLogView): string | undefined {
  if (!isTold(levelOf(event), view.level)) return undefined;
  const { paint } = view;
  switch (event.type) {
    case "runtime.ready":
      return ready(event, view);
    case "runtime.draining":
      return paint("dim", `draining, at most ${seconds(event.graceMs)} · Ctrl-C again to end now`);
    case "runtime.stopped":
      return stopped(event, view);
    case "runtime.notice":
      return `${levelTag(event.level, paint)}${event.message}`;
    case "nats.connected":
      return natsConnected(event, view);
    case "nats.disconnected":
      return `${paint("yellow", "!")} NATS at ${event.server} is gone; trying to reconnect`;
    case "nats.reconnected":
      return `${paint("green", "✓")} NATS is back at ${event.server} after ${seconds(event.afterMs)}`;
    case "nats.error":
      return errorLines("", event.error, "", view);
    case "handler.discovered":
      return dimLine(event.handler, `found in ${event.file}`, view);
    case "handler.removed":
      return `${paint("yellow", "-")} ${name(event.handler, view)}  removed`;
    case "handler.state":
      return dimLine(event.handler, `${event.from} -> ${event.to}`, view);
    case "handler.bound":
      return dimLine(event.handler, `bound to ${event.subject}`, view);
    case "handler.unbound":
      return dimLine(event.handler, `unbound from ${event.subject}`, view);
    case "handler.serving":
      return serving(event, view);
    case "handler.failed":
      return failed(event, view);
    case "handler.quarantined":
      return quarantined(event, view);
    case "handler.disabled":
      return `${paint("yellow", "-")} ${name(event.handler, view)}  disabled by ${event.by}: ${event.reason || "no reason given"}`;
    case "handler.enabled":
      return `${paint("green", "+")} ${name(event.handler, view)}  enabled`;
    case "generation.retired":
      return dimLine(event.handler, `version ${short(event.version)} ${event.drained ? "ended" : "was killed"}`, view);
    case "delivery.failed":
      return deliveryFailed(event, view);
    case "delivery.dropped":
      return `${paint("yellow", "!")} ${name(event.handler, view)}  dropped ${messages(event.count)}: ${event.why}`;
    case "worker.exited":
      return workerExited(event, view);
    case "handler.log":
      return handlerLog(event, view);
    case "handler.output":
      return `${INDENT.slice(2)}${name(event.handler, view)} ${bar(event.stream === "stderr" ? "yellow" : "dim", paint)} ${event.line}`;
    default:
      return assertNever(event);
  }
}

function ready({ serving, failed: broken, durationMs }: Of<"runtime.ready">, { paint }: DevLogView): string {
  const trouble = broken === 0 ? "" : `, ${paint("red", `${broken} failed`)}`;
  const told = serving + broken === 0 ? "no handlers yet" : `${handlers(serving)} serving${trouble}`;
  return `${paint("bold", told)} ${paint("dim", `· ready in ${Math.round(durationMs)} ms · Ctrl-C to stop`)}`;
}

function stopped({ unfinished }: Of<"runtime.stopped">, { paint }: DevLogView): string {
  if (unfinished.length === 0) return paint("dim", "stopped");
  return [`${paint("red", "stopped")} before these had ended:`, ...unfinished.map((line) => INDENT + line)].join("\n");
}

function natsConnected({ server, version, jetstream }: Of<"nats.connected">, { paint }: DevLogView): string {
  const url = server.includes("://") ? server : `nats://${server}`;
  const details = `nats-server ${version}${jetstream ? ", JetStream" : ", no JetStream"}`;
  return `${paint("bold", url)} ${paint("dim", `· ${details}`)}`;
}

const WHY: Readonly<Record<Of<"handler.serving">["why"], string>> = {
  start: "",
  reload: "reloaded in ",
  restart: "restarted in ",
  wake: "woke up in ",
};

function serving(event: Of<"handler.serving">, view: DevLogView): string {
  const { paint } = view;
  const duration = `${Math.round(event.durationMs)} ms`;
  const mark = paint("green", event.why === "start" ? "✓" : "↻");
  const what = `${event.kind.padEnd(7)}  ${event.subject.padEnd(SUBJECT_WIDTH)}`;
  return `${mark} ${name(event.handler, view)}  ${what}  ${paint("dim", `${WHY[event.why]}${duration}`)}`;
}

function failed({ handler, error, serving: still }: Of<"handler.failed">, view: DevLogView): string {
  const rest = still === undefined ? "" : view.paint("green", `version ${short(still)} goes on serving`);
  return errorLines(handler, error, rest, view);
}

function deliveryFailed({ handler, error, attempt, settled }: Of<"delivery.failed">, view: DevLogView): string {
  const which = attempt > 1 ? `attempt ${attempt}, ` : "";
  return errorLines(handler, error, view.paint("dim", `→ ${which}${settled}`), view);
}

function quarantined({ handler, error, coolDownMs }: Of<"handler.quarantined">, view: DevLogView): string {
  const text = `quarantined: it is tried again at the next save, or in ${seconds(coolDownMs)}`;
  return errorLines(handler, error, view.paint("yellow", text), view);
}

function workerExited(event: Of<"worker.exited">, view: DevLogView): string {
  const { handler, pid, error, inFlight, restartInMs } = event;
  const waiting = inFlight === 0 ? "" : `${messages(inFlight)} waiting; `;
  const next =
    restartInMs === undefined
      ? "not restarted"
      : restartInMs === 0
        ? "restarting now"
        : `restarting in ${seconds(restartInMs)}`;
  if (error === undefined) return dimLine(handler, `worker ${pid} ended; ${waiting}${next}`, view);
  return errorLines(handler, error, view.paint("dim", `→ ${waiting}${next}`), view);
}

/** What is wrong with no handler in particular comes without a name. */
function errorLines(handler: string, error: RuntimeError, rest: string, { paint, columns }: DevLogView): string {
  const who = handler === "" ? "" : `${paint("bold", handler)}  `;
  const lead = 2 + (handler === "" ? 0 : handler.length + 2);
  const text = errorText(error, paint, { columns, lead, indent: INDENT.length, named: handler });
  return `${paint("red", "✗")} ${who}${indented(rest === "" ? text : `${text}\n${rest}`)}`;
}

function handlerLog({ handler, level, message, fields }: Of<"handler.log">, view: DevLogView): string {
  const { paint } = view;
  const text = [message, fieldsText(fields, paint)].filter((part) => part !== "").join(" ");
  return `  ${name(handler, view)} ${bar(LOG_STYLES[level] ?? "cyan", paint)} ${levelTag(level, paint)}${text.replaceAll("\n", `\n${INDENT}`)}`;
}

function levelTag(level: LogLevel, paint: Paint): string {
  const style = LOG_STYLES[level];
  return style === undefined ? "" : `${paint(style, level.toUpperCase())} `;
}

function bar(style: Style, paint: Paint): string {
  return paint(style, "│");
}

function dimLine(handler: string, text: string, view: DevLogView): string {
  return view.paint("dim", `· ${handler.padEnd(view.nameWidth)}  ${text}`);
}

function name(handler: string, { nameWidth }: DevLogView): string {
  return handler.padEnd(nameWidth);
}

function indented(text: string): string {
  return text.replaceAll("\n", `\n${INDENT}`);
}

/** Enough of a version to tell it from its neighbours. */
function short(version: string): string {
  return version.slice(0, 8);
}

function handlers(count: number): string {
  return count === 1 ? "1 handler" : `${count} handlers`;
}

function messages(count: number): string {
  return count === 1 ? "1 message" : `${count} messages`;
}

function seconds(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${Number((ms / 1_000).toFixed(1))} s`;
}
