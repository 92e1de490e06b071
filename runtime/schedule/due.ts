// Which run a replica has to see to now. Pure.
//
// D1  A planned time has been missed when the next one has come as well, or LATE_MS have passed: nobody was there.
// D2  `missed` says which of those are made up for. One that has just come stands for all that were missed before it.
// D3  One run at a time: what is to follow is found out when that has been seen to.

import type { Schedule } from "../metadata/handler-metadata.ts";
import { nextPlanned, plannedBetween } from "../metadata/planned-times.ts";

export const LATE_MS = 30_000;
/** Of a long outage, the last ones. */
export const MOST_MADE_UP = 1_000;

export interface Due {
  /** Undefined: none, all that have come are passed over. */
  readonly runMs: number | undefined;
  /** Up to this planned time everything is seen to then. */
  readonly doneMs: number;
  /** How many planned times are passed over for good. */
  readonly passedOver: number;
}

/** @param doneMs the last planned time that was seen to. Undefined when none has come since. */
export function dueRun({ times, missed }: Schedule, doneMs: number, nowMs: number): Due | undefined {
  const { planned, left } = plannedBetween(times, doneMs, nowMs, MOST_MADE_UP);
  const [first, last] = [planned[0], planned.at(-1)];
  if (first === undefined || last === undefined) return undefined;
  if (missed === "all") return { runMs: first, doneMs: first, passedOver: left };
  const runs = missed === "once" || !isMissed({ times }, last, nowMs);
  return { runMs: runs ? last : undefined, doneMs: last, passedOver: left + planned.length - (runs ? 1 : 0) };
}

/** D1. */
function isMissed({ times }: Pick<Schedule, "times">, plannedMs: number, nowMs: number): boolean {
  return nowMs - plannedMs > LATE_MS || (nextPlanned(times, plannedMs) ?? Number.POSITIVE_INFINITY) <= nowMs;
}
