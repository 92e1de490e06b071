// Messages that leave later wait in windows of a minute of their due time, each under a subject of its own: what is due next
// year is no consumer's business today, and holds up nothing that is due soon. Pure.

const WINDOW_MS = 60_000;
const WINDOWS_PER_HOUR = 60;
/** A window is taken up so long before it begins. */
const LEAD_MS = 30_000;
/** So long after its end a window may still be new to us: whoever stored into it took that long. */
const STRAGGLE_MS = 600_000;

/** Number of the window. 0 is that of what was due long ago: letters that are sent again come there. */
export type Window = number;
export const OVERDUE: Window = 0;

export function windowOf(dueMs: number): Window {
  return Math.max(OVERDUE, Math.floor(dueMs / WINDOW_MS));
}

export function hasPassed(window: Window, nowMs: number): boolean {
  return (window + 1) * WINDOW_MS <= nowMs;
}

export function isTakenUp(window: Window, nowMs: number): boolean {
  return window * WINDOW_MS - LEAD_MS <= nowMs;
}

export function windowSubjects(app: string): string {
  return `later.${app}.*.*`;
}

/** The hour first: what is to be taken up soon is found without a look at all the rest. */
export function windowSubject(app: string, window: Window): string {
  return `later.${app}.${Math.floor(window / WINDOWS_PER_HOUR)}.${window % WINDOWS_PER_HOUR}`;
}

/** Undefined for a subject that is none of a window. */
export function windowOfSubject(subject: string): Window | undefined {
  const [hour = "", minute = "", ...more] = subject.split(".").slice(-2);
  return more.length === 0 && /^\d+$/.test(hour) && /^\d+$/.test(minute)
    ? Number(hour) * WINDOWS_PER_HOUR + Number(minute)
    : undefined;
}

/** Subjects of all windows that may have to be taken up before the next look. */
export function soonSubjects(app: string, nowMs: number): string[] {
  const hourOf = (atMs: number) => Math.floor(windowOf(atMs) / WINDOWS_PER_HOUR);
  const hours = new Set([0, hourOf(nowMs - STRAGGLE_MS), hourOf(nowMs + LEAD_MS)]);
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
