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

function readUntil(word: string, nowMs: number): number {
  const untilMs = timeOfDay(word, nowMs) ?? Date.parse(word);
  const received = `received ${JSON.stringify(word)}`;
  if (Number.isNaN(untilMs))
    throw new RuntimeError("USAGE", `--until needs a time such as "18:30" or "2030-01-31T18:30"; ${received}`);
  if (untilMs <= nowMs) throw new RuntimeError("USAGE", `--until is in the past; ${received}`);
  return untilMs;
}

/** `18:30`: the next time it is that late. */
function timeOfDay(word: string, nowMs: number): number | undefined {
  const [, hours, minutes] = /^(\d{1,2}):(\d{2})$/.exec(word) ?? [];
  if (hours === undefined || minutes === undefined) return undefined;
  if (Number(hours) > 23 || Number(minutes) > 59) return Number.NaN;
  const today = new Date(nowMs).setHours(Number(hours), Number(minutes), 0, 0);
  return today > nowMs ? today : new Date(today + DAY_MS).setHours(Number(hours), Number(minutes), 0, 0);
}

/** `18:30:05`, with the date when that is not today. */
export function momentText(atMs: number, nowMs: number): string {
  const at = new Date(atMs);
  const pad = (value: number) => String(value).padStart(2, "0");
  const time = [at.getHours(), at.getMinutes(), at.getSeconds()].map(pad).join(":");
  const isToday = at.toDateString() === new Date(nowMs).toDateString();
  return isToday ? time : `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())} ${time}`;
}

/** `12 s`, `3 min`, `5 h`, `2 d`: as exact as a glance needs. */
export function spanText(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 100) return `${seconds} s`;
  if (seconds < 100 * 60) return `${Math.round(seconds / 60)} min`;
  return seconds < 48 * 3_600 ? `${Math.round(seconds / 3_600)} h` : `${Math.round(seconds / 86_400)} d`;
}
