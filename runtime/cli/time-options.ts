// Points in time as operators write and read them.

import { parseDuration } from "../../sdk/duration.ts";
import { RuntimeError } from "../errors.ts";

const DAY_MS = 86_400_000;

/** The end that `--for` or `--until` name, in milliseconds since the epoch. Throws USAGE. */
export function readEnd(
  { until, for: length }: { readonly until?: string; readonly for?: string },
  nowMs: number,
): number | undefined {
  if (until !== undefined && length !== undefined)
    throw new RuntimeError("USAGE", "--until and --for exclude each other");
  if (length !== undefined) return nowMs + readDuration("--for", length, '"30m" or "2h"');
  return until === undefined ? undefined : readUntil(until, nowMs);
}

/** Of `--wait`, in milliseconds. Throws USAGE. */
export function readWait(word: string): number {
  return readDuration("--wait", word, '"10s"');
}

function readDuration(option: string, word: string, such: string): number {
  const ms = parseDuration(word);
  if (ms !== undefined && ms > 0) return ms;
  throw new RuntimeError("USAGE", `${option} needs a duration such as ${such}; received ${JSON.stringify(word)}`);
}

/** What `--delay` and `--at` say; undefined where neither does. A time that has passed is at once. Throws USAGE. */
export function readLater({ delay, at }: { readonly delay?: string; readonly at?: string }, nowMs: number) {
  if (delay !== undefined && at !== undefined) throw new RuntimeError("USAGE", "--delay and --at exclude each other");
  if (delay !== undefined) return { kind: "delay", delayMs: readDuration("--delay", delay, '"10m" or "2h"') } as const;
  return at === undefined ? undefined : ({ kind: "at", atMs: readMoment("--at", at, nowMs) } as const);
}

/** `2h` ago, a time of today, or a point in time. Throws USAGE. */
export function readPast(option: string, word: string, nowMs: number): number {
  const agoMs = parseDuration(word);
  if (agoMs !== undefined) return nowMs - agoMs;
  const [, hours, minutes] = /^(\d{1,2}):(\d{2})$/.exec(word) ?? [];
  if (hours !== undefined) {
    const today = new Date(nowMs).setHours(Number(hours), Number(minutes), 0, 0);
    return today <= nowMs ? today : today - DAY_MS;
  }
  const atMs = Date.parse(word);
  if (!Number.isNaN(atMs)) return atMs;
  const received = `received ${JSON.stringify(word)}`;
  throw new RuntimeError("USAGE", `${option} needs a time such as "2h", "18:30" or "2030-01-31T18:30"; ${received}`);
}

/** As `readPast`, or a number of a stream. Throws USAGE. */
export function readPoint(option: string, word: string, nowMs: number): { seq: number } | { atMs: number } {
  if (!/^\d+$/.test(word)) return { atMs: readPast(option, word, nowMs) };
  const seq = Number(word);
  if (Number.isSafeInteger(seq)) return { seq };
  throw new RuntimeError("USAGE", `${option}: no stream has a message of the number ${word}`);
}

function readUntil(word: string, nowMs: number): number {
  const untilMs = readMoment("--until", word, nowMs);
  if (untilMs > nowMs) return untilMs;
  throw new RuntimeError("USAGE", `--until is in the past; received ${JSON.stringify(word)}`);
}

function readMoment(option: string, word: string, nowMs: number): number {
  const atMs = timeOfDay(word, nowMs) ?? Date.parse(word);
  if (!Number.isNaN(atMs)) return atMs;
  const received = `received ${JSON.stringify(word)}`;
  throw new RuntimeError("USAGE", `${option} needs a time such as "18:30" or "2030-01-31T18:30"; ${received}`);
}

/** `18:30`: the next time it is that late. */
function timeOfDay(word: string, nowMs: number): number | undefined {
  const [, hours, minutes] = /^(\d{1,2}):(\d{2})$/.exec(word) ?? [];
  if (hours === undefined || minutes === undefined) return undefined;
  if (Number(hours) > 23 || Number(minutes) > 59) return Number.NaN;
  const today = new Date(nowMs).setHours(Number(hours), Number(minutes), 0, 0);
  return today > nowMs ? today : new Date(today + DAY_MS).setHours(Number(hours), Number(minutes), 0, 0);
}
