// `ctx.log`: lines leave with the batch, carrying the message they belong to. The worker formats nothing, and no line fails
// the handler that writes it, whatever is in it.

import type { Level, LogRecord } from "../wire/log-record.ts";
import { FrameType } from "../wire/protocol.ts";
import { isError, preview, serializeError } from "../wire/serialize-error.ts";
import type { ContextLink } from "./link.ts";

type Write = (...given: unknown[]) => void;
export type Log = Record<Level, Write>;

const MAX_LINE_CHARS = 16_000;

export function createLog(
  link: Pick<ContextLink, "sendJson">,
  about: () => Pick<LogRecord, "id" | "attempt" | "traceId">,
): Log {
  const at =
    (level: Level): Write =>
    (...given) =>
      link.sendJson(FrameType.log, jsonOf({ level, ...about(), ...readArguments(given) }));
  return {
    trace: at("trace"),
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    fatal: at("fatal"),
  };
}

/** `log.info("text")`, `log.info({ fields }, "text")`, `log.error(error)`, `log.error(error, "text")`. */
function readArguments(given: readonly unknown[]): { message: string; fields?: Record<string, unknown> } {
  const [first, ...rest] = given;
  if (isError(first)) {
    const err = serializeError(first);
    return { message: rest.length > 0 ? textOf(rest) : err.message, fields: { err } };
  }
  if (typeof first === "object" && first !== null) return { message: textOf(rest), fields: fieldsOf(first) };
  return { message: textOf(given) };
}

function textOf(values: readonly unknown[]): string {
  return values.map(wordsOf).join(" ");
}

function wordsOf(value: unknown): string {
  if (typeof value === "string") return value;
  if (!isError(value)) return written(value) ?? preview(value);
  const { name, message } = serializeError(value);
  return `${name}: ${message}`;
}

/** Each field read on its own: one that throws costs itself alone. */
function fieldsOf(given: object): Record<string, unknown> {
  try {
    return Object.fromEntries(Object.keys(given).map((key) => [key, fieldOf(given as Record<string, unknown>, key)]));
  } catch (error) {
    return { note: `fields cannot be read: ${serializeError(error).message}` };
  }
}

function fieldOf(fields: Record<string, unknown>, key: string): unknown {
  try {
    const value = fields[key];
    return isError(value) ? serializeError(value) : value;
  } catch (error) {
    return `(cannot be read: ${serializeError(error).message})`;
  }
}

/** The record as JSON, bounded. */
function jsonOf({ message, fields, ...rest }: LogRecord): string {
  const cut = message.length > MAX_LINE_CHARS ? `${message.slice(0, MAX_LINE_CHARS)}...` : message;
  const line = JSON.stringify({ ...rest, message: cut });
  return fields === undefined ? line : `${line.slice(0, -1)},"fields":${fieldsJson(fields)}}`;
}

function fieldsJson(fields: Record<string, unknown>): string {
  const text = written(fields) ?? oneByOne(fields);
  if (text.length <= MAX_LINE_CHARS) return text;
  return JSON.stringify({ note: `fields of ${text.length} characters left out` });
}

/** Those that cannot be written give way to a word. */
function oneByOne(fields: Record<string, unknown>): string {
  const good = Object.entries(fields).map(([key, value]) => {
    const text = written({ [key]: value });
    return text === undefined ? [key, "(cannot be written as JSON)"] : [key, value];
  });
  return written(Object.fromEntries(good)) ?? "{}";
}

/** Undefined for what JSON cannot carry: circles, and whatever throws. Identifiers from databases are bigints. */
function written(value: unknown): string | undefined {
  try {
    return JSON.stringify(value, (_key, entry: unknown) => (typeof entry === "bigint" ? `${entry}n` : entry));
  } catch {
    return undefined;
  }
}
