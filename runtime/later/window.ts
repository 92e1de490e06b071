// Messages that leave later wait in windows of a minute of their due time, each under a subject of its own: what is due next
// year is no consumer's business today, and holds up nothing that is due soon. Pure.

import { hourOf, isTakenUp, LEAD_MS, type Window, windowAt, windowEndMs, windowOf } from "../../sdk/later-place.ts";

export { isTakenUp, OVERDUE, type Window, windowOf, windowSubject } from "../../sdk/later-place.ts";

/** So long after its end a window may still be new to us: whoever stored into it took that long. */
const STRAGGLE_MS = 600_000;

export function hasPassed(window: Window, nowMs: number): boolean {
  return windowEndMs(window) <= nowMs;
}

export function windowSubjects(app: string): string {
  return `later.${app}.*.*`;
}

/** Undefined for a subject that is none of a window. */
export function windowOfSubject(subject: string): Window | undefined {
  const [hour = "", minute = "", ...more] = subject.split(".").slice(-2);
  return more.length === 0 && /^\d+$/.test(hour) && /^\d+$/.test(minute)
    ? windowAt(Number(hour), Number(minute))
    : undefined;
}

/** Subjects of all windows that may have to be taken up before the next look. */
export function soonSubjects(app: string, nowMs: number): string[] {
  const hourAt = (atMs: number) => hourOf(windowOf(atMs));
  const hours = new Set([0, hourAt(nowMs - STRAGGLE_MS), hourAt(nowMs + LEAD_MS)]);
  return [...hours].map((hour) => `later.${app}.${hour}.*`);
}

/** How many messages each window has, by the counts of the stream's subjects. */
export function windowCounts(subjects: Readonly<Record<string, number>>): Map<Window, number> {
  const counts = new Map<Window, number>();
  for (const [subject, count] of Object.entries(subjects)) {
    const window = windowOfSubject(subject);
    if (window !== undefined) counts.set(window, count);
  }
  return counts;
}

/** Those to be taken up now, in order. `room`: for so many of the past, after an outage; those of the present always are. */
export function windowsToOpen(filled: Iterable<Window>, nowMs: number, room: number): Window[] {
  let left = room;
  return [...filled]
    .filter((window) => isTakenUp(window, nowMs))
    .sort((a, b) => a - b)
    .filter((window) => !hasPassed(window, nowMs) || left-- > 0);
}
