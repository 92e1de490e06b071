// The schedules that handlers have made, as operators read them.

import type { NatsConnection } from "@nats-io/transport-node";
import { systemClock } from "../clock.ts";
import { nextPlanned } from "../metadata/planned-times.ts";
import { type ListedSchedule, TimetableBox } from "../schedule/timetable-box.ts";
import { columnLines } from "../terminal/columns.ts";
import { type Output, printLine } from "../terminal/terminal.ts";
import { momentText, spanText } from "../terminal/time-text.ts";
import { whenText } from "./schedule-text.ts";

/** By key. @param handler only those that it has made */
export async function madeIn(
  connection: NatsConnection,
  app: string,
  handler: string | undefined,
): Promise<readonly ListedSchedule[]> {
  const made = await new TimetableBox(connection, app).list();
  return made.filter(({ by }) => handler === undefined || by === handler);
}

/** For `--json`. */
export function scheduleJson({ key, target, times, missed, by, sinceMs, content }: ListedSchedule): object {
  const nextMs = nextPlanned(times, systemClock.nowMs());
  const said = times.kind === "cron" ? { cron: times.pattern, timeZone: times.timeZone } : { everyMs: times.everyMs };
  return {
    key,
    target,
    ...said,
    missed,
    by,
    since: new Date(sinceMs).toISOString(),
    ...(nextMs === undefined ? {} : { nextRun: new Date(nextMs).toISOString() }),
    bytes: content.payload.length,
  };
}

export function printSchedules(schedules: readonly ListedSchedule[], out: Output): void {
  const nowMs = systemClock.nowMs();
  const nextOf = ({ times }: ListedSchedule) => nextPlanned(times, nowMs) ?? Number.POSITIVE_INFINITY;
  const column = (heading: string, cell: (schedule: ListedSchedule) => string, more = {}) => {
    return { heading, align: "left" as const, cells: schedules.map(cell), ...more };
  };
  const lines = columnLines(
    [
      column("SCHEDULE", ({ key }) => JSON.stringify(key).slice(1, -1)),
      column("RUNS", ({ times }) => whenText(times)),
      column("NEXT", (schedule) => momentText(nextOf(schedule), nowMs)),
      column("IN", (schedule) => spanText(nextOf(schedule) - nowMs), { align: "right", worth: 3 }),
      column("SUBJECT", ({ target }) => target, { worth: 5 }),
      column("HANDLER", ({ by }) => by, { worth: 4 }),
      column("BYTES", ({ content }) => String(content.payload.length), { align: "right", worth: 2 }),
    ],
    out.columns,
  );
  const [heading = "", ...rows] = lines;
  printLine(out, out.paint("dim", heading));
  for (const row of rows) printLine(out, row);
}
