// What is kept of a schedule that a handler has made while it ran: what it says, and how far it has been seen to. Pure.
//
// E1  Made again with the same times and target it goes on where it was; with others it begins anew, and has missed nothing.
// E2  It is a new one, too, where it was taken away in between.

import type { Missed, Schedule } from "../metadata/handler-metadata.ts";
import type { PlannedTimes } from "../metadata/planned-times.ts";
import { timesKey } from "../metadata/schedule.ts";
import type { Progress } from "./mark-book.ts";

/** In its header: the data and the other headers are those that are published. */
export const ENTRY_HEADER = "Handlers-Timetable";

export interface MadeSchedule {
  readonly key: string;
  /** The subject that is published to. */
  readonly target: string;
  readonly times: PlannedTimes;
  readonly missed: Missed;
  /** The handler that has made it. */
  readonly by: string;
}

export interface TimetableEntry extends MadeSchedule {
  /** From when on its times count. */
  readonly sinceMs: number;
  readonly progress: Progress;
}

/** E1. @param before what is kept under its key; undefined: nothing */
export function entryOf(made: MadeSchedule, before: TimetableEntry | undefined, nowMs: number): TimetableEntry {
  const goesOn =
    before !== undefined && before.target === made.target && timesKey(before.times) === timesKey(made.times);
  if (goesOn) return { ...made, sinceMs: before.sinceMs, progress: before.progress };
  return { ...made, sinceMs: nowMs, progress: { doneMs: nowMs } };
}

/** Two entries that say the same of when and where to have the same. */
export function definitionOf({ target, times, missed, sinceMs }: TimetableEntry): string {
  return JSON.stringify([target, timesKey(times), missed, sinceMs]);
}

export function scheduleOf({ times, missed }: TimetableEntry): Schedule {
  return { times, missed, payload: "" };
}

/** One line of ASCII, as a header needs it. */
export function entryText(entry: TimetableEntry): string {
  return JSON.stringify(entry).replace(/[^ -~]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** Undefined for what nobody of ours has written. */
export function readEntry(text: string): TimetableEntry | undefined {
  try {
    const entry = JSON.parse(text) as Partial<TimetableEntry> | null;
    const isOurs =
      typeof entry?.key === "string" &&
      typeof entry.target === "string" &&
      typeof entry.sinceMs === "number" &&
      typeof entry.progress?.doneMs === "number" &&
      entry.times !== undefined;
    return isOurs ? (entry as TimetableEntry) : undefined;
  } catch {
    return undefined; // Nobody of ours has written it.
  }
}

/** Of a key, as the end of a subject: one to one. */
export function tokenOf(key: string): string {
  return Buffer.from(key, "utf8").toString("base64url");
}

export function keyOf(token: string): string {
  return Buffer.from(token, "base64url").toString("utf8");
}
