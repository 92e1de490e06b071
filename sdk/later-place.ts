// Where messages wait that leave later: a stream of the app's, in windows of a minute of their due time, each under a subject of
// its own. Pure: runtime and client agree by it.

const WINDOW_MS = 60_000;
const WINDOWS_PER_HOUR = 60;
/** A window is taken up so long before it begins. */
export const LEAD_MS = 30_000;

/** Whoever means more has a mistake in the unit, or in the year. */
export const LONGEST_LATER_MS = 366 * 86_400_000;

/** Of the headers that say where to, when and whose. */
export const LATER_PREFIX = "Handlers-Later-";

/** In the place of a handler's name: somebody else has published it, by the command or a client. */
export const BY_HAND = "$send";

/** Number of the window. 0 is that of what was due long ago: letters that are sent again come there. */
export type Window = number;
export const OVERDUE: Window = 0;

export function laterStream(app: string): string {
  return `LATER_${app}`;
}

/** Replicas hear there that a window of the present has a message. Beside the stream's subjects. */
export function wakeSubject(app: string): string {
  return `later.${app}.wake`;
}

export function windowOf(dueMs: number): Window {
  return Math.max(OVERDUE, Math.floor(dueMs / WINDOW_MS));
}

export function isTakenUp(window: Window, nowMs: number): boolean {
  return window * WINDOW_MS - LEAD_MS <= nowMs;
}

/** The hour first: what is to be taken up soon is found without a look at all the rest. */
export function windowSubject(app: string, window: Window): string {
  return `later.${app}.${Math.floor(window / WINDOWS_PER_HOUR)}.${window % WINDOWS_PER_HOUR}`;
}

/** When its last moment is over. */
export function windowEndMs(window: Window): number {
  return (window + 1) * WINDOW_MS;
}

/** The hour of a window's subject. */
export function hourOf(window: Window): number {
  return Math.floor(window / WINDOWS_PER_HOUR);
}

/** Of its hour, and its number in that. */
export function windowAt(hour: number, minute: number): Window {
  return hour * WINDOWS_PER_HOUR + minute;
}
