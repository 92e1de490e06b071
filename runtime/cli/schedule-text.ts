// When handlers run by themselves, as operators read it.

import type { HandlerSummary } from "../control/summary.ts";
import { nextPlanned, type PlannedTimes } from "../metadata/planned-times.ts";
import { momentText, spanText } from "../terminal/time-text.ts";
import { durationText } from "./duration-text.ts";

/** In these its schedule stands still, or nobody can say. */
const NOT_RUNNING: readonly HandlerSummary["state"][] = ["disabled", "failed", "starting", "stopped"];

/** `at 0 5 * * * (Europe/Berlin), next 2026-11-29 05:00:00, in 9 h`: the next time by the clock of whoever reads it. */
export function scheduleText(times: PlannedTimes, nowMs: number): string {
  return `${whenText(times)}, next ${nextText(times, nowMs)}`;
}

/** The same, where something stands still. */
export function runsText({ state }: HandlerSummary, times: PlannedTimes, nowMs: number): string {
  return NOT_RUNNING.includes(state) ? `${whenText(times)}, but not now: ${state}` : scheduleText(times, nowMs);
}

/** For `--json`. */
export function nextRunOf({ state, schedule }: HandlerSummary, nowMs: number): { readonly nextRun?: string } {
  const nextMs = schedule === undefined || NOT_RUNNING.includes(state) ? undefined : nextPlanned(schedule, nowMs);
  return nextMs === undefined ? {} : { nextRun: new Date(nextMs).toISOString() };
}

export function cutTo(columns: number, line: string): string {
  return line.length > columns ? `${line.slice(0, columns - 1)}…` : line;
}

/** `every 5m`, `at 0 5 * * * (UTC)`. */
export function whenText(times: PlannedTimes): string {
  return times.kind === "every" ? `every ${durationText(times.everyMs)}` : `at ${times.pattern} (${times.timeZone})`;
}

function nextText(times: PlannedTimes, nowMs: number): string {
  const nextMs = nextPlanned(times, nowMs);
  return nextMs === undefined ? "never" : `${momentText(nextMs, nowMs)}, in ${spanText(nextMs - nowMs)}`;
}
