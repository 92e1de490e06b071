// `handlers list`: which handlers there are and what they take. Broken ones stand in it with their error's code.

import { systemClock } from "../../clock.ts";
import { claimsText } from "../../metadata/claims.ts";
import type { ResolvedMetadata } from "../../metadata/handler-metadata.ts";
import { tableLines } from "../../terminal/table.ts";
import { printError, printLine } from "../../terminal/terminal.ts";
import { durationText, rateText } from "../duration-text.ts";
import { type ExitCode, exitCodeOf } from "../exit-code.ts";
import { loadProject } from "../global-options.ts";
import type { Invocation } from "../invocation.ts";
import { type CheckedHandler, checkJson, disabledRemark, listHere } from "../project-check.ts";
import { cutTo, scheduleText } from "../schedule-text.ts";

const HEADINGS = ["NAME", "KIND", "SUBJECT", "CONC", "TIMEOUT", "FILE"];

export async function list({ terminal, options }: Invocation<{ json?: boolean }>): Promise<ExitCode> {
  const { out } = terminal;
  const checked = await listHere(terminal, await loadProject(terminal, options, "dev"));
  const { handlers, problems } = checked;
  if (options.json === true) {
    printLine(out, checkJson(checked));
  } else {
    for (const problem of problems) printError(terminal, problem);
    const lines = tableLines([HEADINGS, ...handlers.map(rowOf)], out.columns);
    const [heading = "", ...rows] = lines;
    if (handlers.length > 0) printLine(out, out.paint("dim", heading));
    const nowMs = systemClock.nowMs();
    for (const [at, row] of rows.entries()) {
      const handler = handlers[at];
      printLine(out, handler?.ok ? row : out.paint("red", row));
      const times = handler?.ok === true ? handler.metadata.schedule?.times : undefined;
      if (times !== undefined)
        printLine(out, out.paint("dim", cutTo(out.columns, `  runs ${scheduleText(times, nowMs)}`)));
    }
    const broken = handlers.filter(({ ok }) => !ok).length;
    if (broken > 0 && terminal.err.isTerminal)
      printLine(terminal.err, `\n${broken} failed; \`handlers check\` tells why`);
    if (handlers.length === 0 && problems.length === 0)
      printLine(terminal.err, "no handlers yet; `handlers new hello` writes one");
  }
  const [first] = problems;
  return handlers.length === 0 && first !== undefined ? exitCodeOf(first) : 0;
}

/** `16`, `one`, how many batches of how many messages, or how many keys of the whole fleet. */
function concurrencyCell({ concurrency, oneAtATime, batch, fleetOrder }: ResolvedMetadata): string {
  if (oneAtATime) return "one";
  if (fleetOrder !== undefined) return `${concurrency}, ${fleetOrder.partitions} in order`;
  return batch === undefined ? String(concurrency) : `${concurrency} × ${batch.size}`;
}

function rowOf(handler: CheckedHandler): string[] {
  if (!handler.ok) return [handler.name, handler.error.code, "", "", "", handler.file];
  const { kind, subjects, rate, timeoutMs } = handler.metadata;
  return [
    handler.name,
    kind,
    claimsText(subjects),
    concurrencyCell(handler.metadata) + (rate === undefined ? "" : `, ${rateText(rate)}`),
    durationText(timeoutMs),
    handler.file + disabledRemark(handler),
  ];
}
