// `handlers dlq list`: what failed, newest first.

import { systemClock } from "../../clock.ts";
import type { LetterSummary } from "../../dead-letters/dead-letter-box.ts";
import { columnLines } from "../../terminal/columns.ts";
import { type Output, printLine } from "../../terminal/terminal.ts";
import { momentText } from "../../terminal/time-text.ts";
import { visible } from "../../terminal/visible.ts";
import { noneText, type QueryOptions, readCount, readQuery, withLetters } from "../dead-letter-filter.ts";
import type { ExitCode } from "../exit-code.ts";
import type { Invocation } from "../invocation.ts";

export interface DlqListOptions extends QueryOptions {
  readonly limit: string;
  readonly json?: boolean;
}

export async function dlqList({ terminal, options }: Invocation<DlqListOptions>): Promise<ExitCode> {
  const { out, err } = terminal;
  const query = readQuery(options);
  const limit = readCount("--limit", options.limit);
  return withLetters<ExitCode>(terminal, options, async ({ box, config }) => {
    // One more than is shown tells whether there are more.
    const found = await box.list({ ...query, limit: limit + 1 });
    const letters = found.slice(0, limit);
    if (options.json === true) {
      printLine(out, JSON.stringify({ app: config.app, more: found.length > limit, letters }, null, 2));
      return 0;
    }
    if (letters.length === 0) {
      printLine(err, await noneText(box, query));
      return 0;
    }
    printLetters(letters, out);
    if (found.length > limit) printLine(err, `there are more: --limit ${limit * 10}`);
    return 0;
  });
}

export function printLetters(letters: readonly LetterSummary[], out: Output): void {
  const nowMs = systemClock.nowMs();
  const column = (heading: string, cell: (letter: LetterSummary) => string, more = {}) => {
    return { heading, align: "left" as const, cells: letters.map(cell), ...more };
  };
  const lines = columnLines(
    [
      column("ID", ({ id }) => String(id), { align: "right" }),
      column("WHEN", ({ lastFailedAtMs }) => momentText(lastFailedAtMs, nowMs), { worth: 3 }),
      column("HANDLER", ({ handler }) => handler),
      column("REASON", ({ reason }) => reason),
      column("RUNS", ({ attempts }) => String(attempts), { align: "right", worth: 2 }),
      column("REDRIVEN", ({ redriven }) => (redriven === 0 ? "" : String(redriven)), { align: "right", worth: 1 }),
      column("SUBJECT", ({ subject }) => subject, { worth: 4 }),
      column("MESSAGE", ({ message }) => visible(message.replace(/\s+/g, " ")), { shrinks: true }),
    ],
    out.columns,
  );
  const [heading = "", ...rows] = lines;
  printLine(out, out.paint("dim", heading));
  for (const row of rows) printLine(out, row);
}
