// `handlers scheduled list`: what waits to leave later, due first, and the schedules that handlers have made.

import { systemClock } from "../../clock.ts";
import { LaterBox, type WaitingMessage } from "../../later/later-box.ts";
import { columnLines } from "../../terminal/columns.ts";
import { type Output, printLine } from "../../terminal/terminal.ts";
import { momentText, spanText } from "../../terminal/time-text.ts";
import { readCount } from "../dead-letter-filter.ts";
import type { ExitCode } from "../exit-code.ts";
import type { Invocation } from "../invocation.ts";
import { madeIn, printSchedules, scheduleJson } from "../made-schedules.ts";
import { withConnection } from "../nats-client.ts";

export interface ScheduledListOptions {
  readonly handler?: string;
  readonly limit: string;
  readonly json?: boolean;
}

export async function scheduledList({ terminal, options }: Invocation<ScheduledListOptions>): Promise<ExitCode> {
  const { out, err } = terminal;
  const { handler } = options;
  const limit = readCount("--limit", options.limit);
  return withConnection<ExitCode>(terminal, options, async (connection, { app }) => {
    const box = new LaterBox(connection, app, systemClock);
    // One more than is shown tells whether there are more.
    const { total, messages: found } = await box.list({ handler, limit: limit + 1 });
    const messages = found.slice(0, limit);
    const schedules = await madeIn(connection, app, handler);
    if (options.json === true) {
      const shown = messages.map(({ dueMs, ...rest }) => ({ dueAt: new Date(dueMs).toISOString(), ...rest }));
      const made = { schedules: schedules.map(scheduleJson) };
      printLine(out, JSON.stringify({ app, total, more: found.length > limit, messages: shown, ...made }, null, 2));
      return 0;
    }
    if (schedules.length > 0) printSchedules(schedules.slice(0, limit), out);
    if (messages.length > 0 && schedules.length > 0) printLine(out, "");
    if (messages.length === 0 && schedules.length === 0)
      printLine(err, `nothing waits${handler === undefined ? "" : ` that ${handler} has published`}`);
    else if (messages.length > 0) printWaiting(messages, out);
    if (schedules.length > limit)
      printLine(err, `there are more schedules (${schedules.length} in all): --limit ${limit * 10}`);
    if (found.length > limit) printLine(err, `there are more (${total} in all): --limit ${limit * 10}`);
    return 0;
  });
}

function printWaiting(messages: readonly WaitingMessage[], out: Output): void {
  const nowMs = systemClock.nowMs();
  const column = (heading: string, cell: (message: WaitingMessage) => string, more = {}) => {
    return { heading, align: "left" as const, cells: messages.map(cell), ...more };
  };
  const lines = columnLines(
    [
      column("ID", ({ id }) => String(id), { align: "right" }),
      column("LEAVES", ({ dueMs }) => momentText(dueMs, nowMs)),
      column("IN", ({ dueMs }) => (dueMs <= nowMs ? "now" : spanText(dueMs - nowMs)), { align: "right", worth: 3 }),
      column("SUBJECT", ({ target }) => target, { worth: 5 }),
      column("HANDLER", ({ by }) => by, { worth: 4 }),
      column("BYTES", ({ bytes }) => String(bytes), { align: "right", worth: 2 }),
      column("MESSAGE ID", ({ messageId }) => messageId, { worth: 1, shrinks: true }),
    ],
    out.columns,
  );
  const [heading = "", ...rows] = lines;
  printLine(out, out.paint("dim", heading));
  for (const row of rows) printLine(out, row);
}
