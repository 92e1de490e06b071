// What one run of one message did: all that two versions are compared by.

import type { HandlerCall, Later } from "../message/handler-call.ts";
import { decodeHeaders } from "../message/header-block.ts";
import type { ScheduleCall } from "../message/schedule-call.ts";
import type { StoreCall } from "../message/store-call.ts";
import type { LogRecord } from "../wire/log-record.ts";

/** A publish, a request or a write to a bucket that was withheld. */
export interface SeenCall {
  /** `publish`, `request`, `kv put`, `object delete`, `schedule put`, ... */
  readonly kind: string;
  /** Of a write: bucket and key; of a schedule its key, and where it publishes to. */
  readonly subject: string;
  /** As JSON; text or base64 where it is none. */
  readonly data: unknown;
  readonly headers: Readonly<Record<string, string>>;
  /** What `delay` or `at` said; null: at once. */
  readonly leaves: string | null;
}

export interface SeenLine {
  readonly level: string;
  readonly message: string;
  readonly fields: unknown;
}

export interface Seen {
  /** As in dead letters and metrics: `returned`, `threw`, `invalid`, ... */
  readonly outcome: string;
  /** Of one that did not return. */
  readonly error: string;
  /** Of a handler that answers; undefined: none. */
  readonly reply: unknown;
  /** Of a streamed reply. */
  readonly replies: readonly unknown[];
  readonly calls: readonly SeenCall[];
  readonly logs: readonly SeenLine[];
  readonly tookMs: number;
}

/** Not of the author's making: it comes with the message. */
const PASSED_ON = /^(handlers-hops|traceparent|tracestate|baggage)$/i;

export function seenCall({ kind, subject, payload, headers, later }: HandlerCall): SeenCall {
  const own = decodeHeaders(Buffer.from(headers)).filter(([name]) => !PASSED_ON.test(name));
  return { kind, subject, data: readable(payload), headers: Object.fromEntries(own), leaves: leavesOf(later) };
}

export function seenWrite({ store, operation, bucket, key, value, revision }: StoreCall): SeenCall {
  const kind = `${store === "kv" ? "kv" : "object"} ${operation}`;
  const headers: Readonly<Record<string, string>> = revision === undefined ? {} : { revision: String(revision) };
  return { kind, subject: `${bucket}/${key}`, data: readable(value), headers, leaves: null };
}

export function seenSchedule(call: ScheduleCall): SeenCall {
  const { operation, key, value } = call;
  const kind = `schedule ${operation}`;
  if (operation === "delete") return { kind, subject: key, data: undefined, headers: {}, leaves: null };
  const { target, when, headers } = call;
  const data = { data: readable(value), when };
  return { kind, subject: `${key} to ${target}`, data, headers: Object.fromEntries(headers), leaves: null };
}

export function seenLine({ level, message, fields = {} }: LogRecord): SeenLine {
  return { level, message, fields };
}

export function readable(bytes: Uint8Array): unknown {
  const buffer = Buffer.from(bytes);
  const text = buffer.toString("utf8");
  if (!buffer.equals(Buffer.from(text, "utf8"))) return buffer.toString("base64");
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

function leavesOf(later: Later | undefined): string | null {
  if (later === undefined) return null;
  return later.kind === "delay" ? `after ${later.delayMs} ms` : `at ${new Date(later.atMs).toISOString()}`;
}
