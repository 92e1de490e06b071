// When a schedule's runs are due. Pure: what time it is comes from whoever asks.
//
// P1  Every replica finds the same times: those of `every` are counted from the epoch, and not from a start or a save.
// P2  On the day an hour is skipped, a time of day in it is due when the hour is over; on the day an hour comes twice, it is
//     due the first time. What is due in intervals (`*/30 * * * *`) goes on through both. So it is with Vixie cron.

import { Cron } from "croner";

export type PlannedTimes =
  | { readonly kind: "cron"; readonly pattern: string; readonly timeZone: string }
  | { readonly kind: "every"; readonly everyMs: number };

/** The first planned time after `afterMs`, in milliseconds since the epoch; undefined when there is none for 100 years. */
export function nextPlanned(times: PlannedTimes, afterMs: number): number | undefined {
  if (times.kind === "every") return (Math.floor(afterMs / times.everyMs) + 1) * times.everyMs;
  // Given a time between two seconds, croner counts from the second that has begun.
  const whole = new Date(Math.floor(afterMs / 1_000) * 1_000);
  return cronOf(times.pattern, times.timeZone).nextRun(whole)?.getTime();
}

/** The last `most` planned times after `afterMs` up to `untilMs`, oldest first, and how many earlier ones there were. */
export function plannedBetween(
  times: PlannedTimes,
  afterMs: number,
  untilMs: number,
  most: number,
): { readonly planned: readonly number[]; readonly left: number } {
  if (times.kind === "every") {
    const [first, last] = [Math.floor(afterMs / times.everyMs) + 1, Math.floor(untilMs / times.everyMs)];
    const from = Math.max(first, last - most + 1);
    const count = Math.max(0, last - from + 1);
    return { planned: Array.from({ length: count }, (_, at) => (from + at) * times.everyMs), left: from - first };
  }
  const planned: number[] = [];
  let left = 0;
  for (let at = nextPlanned(times, afterMs); at !== undefined && at <= untilMs; at = nextPlanned(times, at)) {
    planned.push(at);
    if (planned.length <= most) continue;
    planned.shift();
    left++;
  }
  return { planned, left };
}

/** What is wrong with a pattern, as the end of a sentence; undefined when it is one. */
export function cronProblem(pattern: string, timeZone: string): string | undefined {
  try {
    if (nextPlanned({ kind: "cron", pattern, timeZone }, 0) === undefined) return "is never due";
    return undefined;
  } catch (error) {
    return `is no cron pattern: ${(error as Error).message.replace(/^CronPattern: /, "")}`;
  }
}

/** Whether this is the name of a time zone of the IANA. */
export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

const parsed = new Map<string, Cron>();

/** Parsing is most of the work. */
function cronOf(pattern: string, timezone: string): Cron {
  const key = `${timezone} ${pattern}`;
  const cron = parsed.get(key) ?? new Cron(pattern, { timezone, paused: true, mode: "5-or-6-parts" });
  parsed.set(key, cron);
  return cron;
}
