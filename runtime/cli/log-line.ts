// A line of the log of some replica, as a person reads it. Pure.

import type { LogLine, ReportedError } from "../control/control-protocol.ts";
import { fieldsText } from "../observe/log-fields.ts";
import { errorText } from "../terminal/error-text.ts";
import type { Paint, Style } from "../terminal/paint.ts";
import { rebuilt } from "./reported-error.ts";

export interface LogView {
  readonly nameWidth: number;
  readonly paint: Paint;
  readonly columns: number;
}

/** Enough of an instance's id to tell replicas apart. */
const REPLICA_CHARS = 4;
const STYLES: Readonly<Record<string, Style>> = {
  trace: "dim",
  debug: "dim",
  warn: "yellow",
  error: "red",
  fatal: "red",
};
const OURS = new Set(["event", "version", "messageId", "attempt"]);
const INDENT = "    ";

/** `18:40:01 a1b2 todo/save │ WARN text {"field":1}`, with place and frame of an error on lines of their own. */
export function logLineText(line: LogLine, view: LogView): string {
  const { replica, timeMs, level, handler = "" } = line;
  const { paint, nameWidth } = view;
  const style = STYLES[level];
  const time = new Date(timeMs).toTimeString().slice(0, 8);
  const who = `${time} ${replica.slice(0, REPLICA_CHARS)}`;
  const head = `${paint("dim", who)} ${handler.padEnd(nameWidth)} ${paint(style ?? "cyan", "│")} `;
  const lead = who.length + nameWidth + 4;
  const tag = style === undefined || isReported(line) ? "" : `${paint(style, level.toUpperCase())} `;
  return `${head}${tag}${bodyText(line, view, lead).replaceAll("\n", `\n${INDENT}`)}`;
}

function bodyText(line: LogLine, { paint, columns }: LogView, lead: number): string {
  const { handler = "", text, fields = {} } = line;
  if (!isReported(line)) {
    const rest = fields.event === "handler.log" ? fieldsText(authorsOwn(fields), paint) : "";
    return [text, rest].filter((part) => part !== "").join(" ");
  }
  const error = rebuilt({ ...(fields as unknown as ReportedError), message: text });
  return errorText(error, paint, { columns, lead, indent: INDENT.length, named: handler });
}

/** Errors of ours come with their code; what authors log as an error is theirs. */
function isReported({ fields }: LogLine): boolean {
  return typeof fields?.code === "string" && fields.event !== "handler.log";
}

/** Those with names that we use ourselves come under `fields`. */
function authorsOwn(all: Readonly<Record<string, unknown>>): Record<string, unknown> | undefined {
  const { fields: taken, ...others } = all;
  const own = Object.entries(others).filter(([name, value]) => !OURS.has(name) && value !== undefined);
  const told = { ...Object.fromEntries(own), ...(taken as object | undefined) };
  return Object.keys(told).length === 0 ? undefined : told;
}
