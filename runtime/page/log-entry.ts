// A line of a replica's log as the page shows it. Pure.

import type { LogLine } from "../control/control-protocol.ts";
import type { LogEntry } from "./answers.ts";

/** Said elsewhere on the page, or of no use to a reader. */
const OURS = new Set(["event", "version", "messageId", "attempt"]);
const MAX_CHARS = 2_000;

export function logEntry({ replica, timeMs, level, handler, text, fields = {} }: LogLine): LogEntry {
  const { frame, code, place } = fields;
  // An error of ours is told in its text, place and frame; what is beside it is for machines.
  const isOurs = typeof code === "string" && fields.event !== "handler.log";
  const own = isOurs ? [] : Object.entries(fields).filter(([name, value]) => !OURS.has(name) && value !== undefined);
  const where = isOurs && typeof place === "string" ? ` (${place})` : "";
  return {
    replica,
    timeMs,
    level,
    handler,
    text: isOurs ? `${code}: ${text}${where}` : text,
    fields: own.length === 0 ? "" : bounded(JSON.stringify(Object.fromEntries(own))),
    frame: typeof frame === "string" ? frame : undefined,
  };
}

function bounded(text: string): string {
  return text.length > MAX_CHARS ? `${text.slice(0, MAX_CHARS)}… (${text.length} characters)` : text;
}
