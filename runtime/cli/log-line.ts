// A line of the log of some replica, as a person reads it. Pure.

import type { LogLine } from "../control/control-protocol.ts";
import { fieldsText } from "../observe/log-fields.ts";
import type { Paint, Style } from "../observe/paint.ts";

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
export function logLineText(
  { replica, timeMs, level, handler = "", text, fields = {} }: LogLine,
  view: LogView,
): string {
  const { paint, nameWidth } = view;
  const style = STYLES[level];
  const tag = style === undefined ? "" : `${paint(style, level.toUpperCase())} `;
  const { code, place, frame } = fields;
  const what = typeof code === "string" ? `${paint("red", code)}: ${text}` : text;
  const rest = fields.event === "handler.log" ? fieldsText(authorsOwn(fields), paint) : "";
  const where = typeof place === "string" && !text.includes(place) ? [paint("cyan", place)] : [];
  const lines = typeof frame === "string" && frame !== "" ? frame.split("\n") : [];
  const time = new Date(timeMs).toTimeString().slice(0, 8);
  const head = `${paint("dim", `${time} ${replica.slice(0, REPLICA_CHARS)}`)} ${handler.padEnd(nameWidth)} ${paint(style ?? "cyan", "│")}`;
  const told = [tag + what, rest]
    .filter((part) => part !== "")
    .join(" ")
    .split("\n");
  return [`${head} ${told[0]}`, ...[...told.slice(1), ...where, ...lines].map((line) => INDENT + line)].join("\n");
}

function authorsOwn(fields: Readonly<Record<string, unknown>>): Record<string, unknown> | undefined {
  const own = Object.entries(fields).filter(([name, value]) => !OURS.has(name) && value !== undefined);
  return own.length === 0 ? undefined : Object.fromEntries(own);
}
