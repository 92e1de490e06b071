// `handlers list`: which handlers there are and what they take. Broken ones stand in it with their error's code.

import { durationText } from "../duration-text.ts";
import { type ExitCode, exitCodeOf } from "../exit-code.ts";
import { disabledRemark, type InspectedHandler, inspect, inspectionJson } from "../inspection.ts";
import type { Invocation } from "../invocation.ts";
import { tableLines } from "../table.ts";
import { printError, printLine } from "../terminal.ts";

const HEADINGS = ["NAME", "KIND", "SUBJECT", "CONC", "TIMEOUT", "FILE"];

export async function list({ terminal, options }: Invocation<{ json?: boolean }>): Promise<ExitCode> {
  const { out } = terminal;
  const inspection = await inspect(terminal, options);
  const { handlers, problems } = inspection;
  if (options.json === true) {
    printLine(out, inspectionJson(inspection));
  } else {
    for (const problem of problems) printError(terminal, problem);
    const lines = tableLines([HEADINGS, ...handlers.map(rowOf)], out.columns);
    const [heading = "", ...rows] = lines;
    if (handlers.length > 0) printLine(out, out.paint("dim", heading));
    for (const [at, row] of rows.entries()) printLine(out, handlers[at]?.ok ? row : out.paint("red", row));
    const broken = handlers.filter(({ ok }) => !ok).length;
    if (broken > 0 && terminal.err.isTerminal)
      printLine(terminal.err, `\n${broken} failed; \`handlers check\` tells why`);
    if (handlers.length === 0 && problems.length === 0)
      printLine(terminal.err, "no handlers yet; `handlers new hello` writes one");
  }
  const [first] = problems;
  return handlers.length === 0 && first !== undefined ? exitCodeOf(first) : 0;
}

function rowOf(handler: InspectedHandler): string[] {
  if (!handler.ok) return [handler.name, handler.error.code, "", "", "", handler.file];
  const { kind, subject, concurrency, timeoutMs } = handler.metadata;
  return [
    handler.name,
    kind,
    subject,
    String(concurrency),
    durationText(timeoutMs),
    handler.file + disabledRemark(handler),
  ];
}
