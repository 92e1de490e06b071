// `ctx.log`: lines leave with the batch, carrying the message they belong to. The worker formats nothing.

import { FrameType } from "../protocol.ts";
import { serializeError } from "../serialize-error.ts";
import type { Link } from "./link.ts";

export type Level = "trace" | "debug" | "info" | "warn" | "error" | "fatal";

/** What a log line carries across. */
export interface LogRecord {
  readonly level: Level;
  readonly message: string;
  readonly fields?: Record<string, unknown>;
  readonly id?: string;
  readonly attempt?: number;
  /** Of the message's W3C trace context. */
  readonly traceId?: string;
}

type Write = (...given: unknown[]) => void;
export type Log = Record<Level, Write>;

const MAX_LINE_CHARS = 16_000;

export function createLog(link: Link, about: () => Pick<LogRecord, "id" | "attempt" | "traceId">): Log {
  const at =
    (level: Level): Write =>
    (...given) => {
      const record: LogRecord = { level, ...about(), ...readArguments(given) };
      link.send(FrameType.log, boundedRecord(record));
    };
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
  if (first instanceof Error) {
    return { message: rest.length > 0 ? textOf(rest) : first.message, fields: { err: serializeError(first) } };
  }
  if (typeof first === "object" && first !== null) {
    return { message: textOf(rest), fields: readable({ ...first }) };
  }
  return { message: textOf(given) };
}

function textOf(values: readonly unknown[]): string {
  return values.map((value) => (typeof value === "string" ? value : (safeJson(value) ?? String(value)))).join(" ");
}

function readable(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([key, value]) => [key, value instanceof Error ? serializeError(value) : value]),
  );
}

function boundedRecord(record: LogRecord): LogRecord {
  const text = safeJson(record.fields);
  const cut = record.message.length > MAX_LINE_CHARS ? `${record.message.slice(0, MAX_LINE_CHARS)}...` : record.message;
  if (record.fields === undefined) return { ...record, message: cut };
  if (text === undefined) return { ...record, message: cut, fields: { note: "fields cannot be written as JSON" } };
  if (text.length > MAX_LINE_CHARS)
    return { ...record, message: cut, fields: { note: `fields of ${text.length} characters left out` } };
  return { ...record, message: cut };
}

function safeJson(value: unknown): string | undefined {
  try {
    return JSON.stringify(value, (_key, entry: unknown) => (typeof entry === "bigint" ? `${entry}n` : entry));
  } catch {
    return undefined; // Cycles: the caller says so in the line.
  }
}
