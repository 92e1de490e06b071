// What each option may be, said once: handler metadata and `handlers.config.ts` read the same words by the same rules.

import { parseDuration } from "../../sdk/duration.ts";
import { parseSize } from "../../sdk/size.ts";
import type { Envelope, HandlerKind } from "./handler-metadata.ts";
import { didYouMean } from "./nearest.ts";
import { validateSubject } from "./subject.ts";

/** The value as the runtime keeps it, or the end of a sentence that starts with the option's name. */
export type Read<T> = { readonly value: T } | { readonly problem: string };
export type Reader<T> = (raw: unknown) => Read<T>;

/** In any list. */
const MOST_ENTRIES = 1_000;
const MIB = 1024 ** 2;
const DAY_MS = 86_400_000;
/** Timers count to 24.8 days. */
const LONGEST_TIMER_MS = 24 * DAY_MS;

/** The value as a person would recognise it, quoted, shortened. */
export function quote(raw: unknown): string {
  const text = written(raw);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

/** JSON, but for what has come over the wire as a mark: that is written as it stood in the source. */
function written(raw: unknown): string {
  if (raw === undefined) return "undefined";
  if (isWireFunction(raw)) return "a function";
  if (isWireUnsupported(raw)) return raw.$unsupported;
  if (isWireTooMany(raw)) return `a list of ${raw.$tooMany} entries`;
  if (Array.isArray(raw)) return `[${raw.map(written).join(",")}]`;
  if (typeof raw !== "object" || raw === null) return JSON.stringify(raw);
  return `{${Object.entries(raw).map(([key, value]) => `${JSON.stringify(key)}:${written(value)}`)}}`;
}

/** Whether the worker put this in the place of a value that JSON cannot carry, such as `4n` or `NaN`. */
export function isWireUnsupported(raw: unknown): raw is { readonly $unsupported: string } {
  return typeof raw === "object" && raw !== null && "$unsupported" in raw && typeof raw.$unsupported === "string";
}

/** Whether the worker put this in the place of a list beyond all measure. */
function isWireTooMany(raw: unknown): raw is { readonly $tooMany: number } {
  return typeof raw === "object" && raw !== null && "$tooMany" in raw && typeof raw.$tooMany === "number";
}

/** Whether the worker put this in the place of a function. */
export function isWireFunction(raw: unknown): boolean {
  return typeof raw === "object" && raw !== null && "$function" in raw;
}

/** Whether the worker put this in the place of a codec. */
export function isWireCodec(raw: unknown): raw is { readonly contentType?: unknown; readonly encode?: unknown } {
  return typeof raw === "object" && raw !== null && "$codec" in raw;
}

/** Whether the worker put this in the place of a Standard Schema. */
export function isWireSchema(raw: unknown): boolean {
  return typeof raw === "object" && raw !== null && "$schema" in raw && raw.$schema === "standard";
}

export function problem(must: string, raw: unknown): { readonly problem: string } {
  return { problem: `${must}; received ${quote(raw)}` };
}

export function text(must: string, pattern: RegExp): Reader<string> {
  return (raw) => (typeof raw === "string" && pattern.test(raw) ? { value: raw } : problem(must, raw));
}

export function integer(min: number, max: number): Reader<number> {
  return (raw) =>
    Number.isInteger(raw) && (raw as number) >= min && (raw as number) <= max
      ? { value: raw as number }
      : // Written out only now: the first `toLocaleString` of a process loads the rules of languages, in 10 ms and more.
        problem(`must be a whole number from ${min} to ${max.toLocaleString("en")}`, raw);
}

export function duration(minMs: number, maxMs: number, range: string): Reader<number> {
  return (raw) => {
    const ms = typeof raw === "string" ? parseDuration(raw) : undefined;
    if (ms === undefined) return problem('must be a duration such as "500ms", "10s", "5m", "1h" or "7d"', raw);
    return ms >= minMs && ms <= maxMs ? { value: ms } : problem(`must be from ${range}`, raw);
  };
}

/** A duration, or "never" for 0. */
export function durationOrNever(inner: Reader<number>): Reader<number> {
  return (raw) => {
    if (raw === "never") return { value: 0 };
    return typeof raw === "string" && parseDuration(raw) !== undefined
      ? inner(raw)
      : problem('must be a duration such as "5m", or "never"', raw);
  };
}

export function size(minBytes: number, least: string): Reader<number> {
  return (raw) => {
    const bytes = typeof raw === "string" ? parseSize(raw) : undefined;
    if (bytes === undefined) return problem('must be a size such as "64KB", "256MB" or "1GB"', raw);
    return bytes >= minBytes ? { value: bytes } : problem(`must be at least ${least}`, raw);
  };
}

export function oneOf<T extends string>(...known: readonly T[]): Reader<T> {
  const must = `must be ${known.map((word) => `"${word}"`).join(", ")}`.replace(/, (?=[^,]*$)/, " or ");
  return (raw) => {
    if (known.includes(raw as T)) return { value: raw as T };
    return { problem: `${must}; received ${quote(raw)}.${typeof raw === "string" ? didYouMean(raw, known) : ""}` };
  };
}

export function boolean(raw: unknown): Read<boolean> {
  return typeof raw === "boolean" ? { value: raw } : problem("must be true or false", raw);
}

/** A list in which every entry reads well; the first that does not is named by its number. */
export function listOf<T>(reader: Reader<T>, must: string): Reader<readonly T[]> {
  return (raw) => {
    const isTooLong = isWireTooMany(raw) || (Array.isArray(raw) && raw.length > MOST_ENTRIES);
    if (isTooLong) return { problem: `must have at most 1,000 entries; received ${countOf(raw)}` };
    if (!Array.isArray(raw)) return problem(must, raw);
    const values: T[] = [];
    for (const [index, entry] of raw.entries()) {
      const read = reader(entry);
      if ("problem" in read) return { problem: `${read.problem} (entry ${index + 1})` };
      values.push(read.value);
    }
    return { value: values };
  };
}

function countOf(list: readonly unknown[] | { readonly $tooMany: number }): number {
  return "$tooMany" in list ? list.$tooMany : list.length;
}

const wait = duration(0, LONGEST_TIMER_MS, '"0s" to "24d"');

function backoff(raw: unknown): Read<readonly number[]> {
  const must = 'must be a duration such as "5s", or a list of them such as ["1s", "5s", "30s"]';
  const read = listOf(wait, must)(typeof raw === "string" ? [raw] : raw);
  return "value" in read && read.value.length === 0 ? problem(must, raw) : read;
}

const NOT_OF_NATS =
  "must not name what the runtime logs in to NATS with, NATS_*: handlers use its connection (`ctx.publish`, `ctx.request`), or log in with variables of another name";

function isOfNats(name: unknown): boolean {
  return typeof name === "string" && /^NATS_/i.test(name);
}

function env(raw: unknown): Read<readonly string[]> {
  const anyName = text('must list names of environment variables, such as "DATABASE_URL"', /^[A-Za-z_][A-Za-z0-9_]*$/);
  const name: Reader<string> = (entry) => (isOfNats(entry) ? problem(NOT_OF_NATS, entry) : anyName(entry));
  const read = listOf(name, 'must be a list of names of environment variables, such as ["DATABASE_URL"]')(raw);
  return "value" in read ? { value: [...new Set(read.value)] } : read;
}

export function subject(raw: unknown): Read<string> {
  if (typeof raw !== "string") return problem('must be a NATS subject such as "orders.created" or "orders.>"', raw);
  const wrong = validateSubject(raw);
  return wrong === undefined ? { value: raw } : problem(wrong, raw);
}

/** One reader for each option that both metadata and the `defaults` of the configuration know. */
export const handlerOptions = {
  kind: oneOf<HandlerKind>("event", "durable", "request"),
  envelope: oneOf<Envelope>("none", "nest"),
  concurrency: integer(1, 10_000),
  timeout: duration(1, LONGEST_TIMER_MS, '"1ms" to "24d"'),
  attempts: integer(1, 1_000),
  backoff,
  expires: duration(1, 3_650 * DAY_MS, '"1ms" to "3650d"'),
  memory: (raw: unknown): Read<number> => {
    const read = size(16 * MIB, '"16MB"')(raw);
    return "value" in read ? { value: Math.floor(read.value / MIB) } : read;
  },
  env,
  idle: durationOrNever(duration(1_000, LONGEST_TIMER_MS, '"1s" to "24d", or "never"')),
  recycleMessages: integer(1, 1_000_000_000),
  recycleAge: duration(1_000, LONGEST_TIMER_MS, '"1s" to "24d"'),
  minWorkers: integer(0, 256),
  workers: integer(1, 256),
  maxQueued: integer(1, 1_000_000),
} as const;

/** Most bytes waiting: known to the configuration only. */
export const maxQueuedSize = size(64 * 1024, '"64KB"');

/** What the names of streams and domains may hold. */
export const jetStreamName = text('must be letters, digits, "_" or "-"', /^[A-Za-z0-9_-]{1,255}$/);
