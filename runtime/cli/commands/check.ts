// `handlers check`: would everything come up? For CI: exit code 1 when anything would not.

import { errorText } from "../../observe/error-text.ts";
import { sizeText } from "../duration-text.ts";
import type { ExitCode } from "../exit-code.ts";
import { disabledRemark, type InspectedHandler, inspect, inspectionJson } from "../inspection.ts";
import type { Invocation } from "../run.ts";
import { tableLines } from "../table.ts";
import { type Output, printLine } from "../terminal.ts";

const INDENT = "    ";

export async function check({ terminal, options }: Invocation<{ json?: boolean }>): Promise<ExitCode> {
  const { out } = terminal;
  const inspection = await inspect(terminal, options);
  const { handlers, problems } = inspection;
  const failed = handlers.filter((handler) => !handler.ok);
  const bad = failed.length + problems.length;
  if (options.json === true) {
    printLine(out, inspectionJson(inspection));
    return bad === 0 ? 0 : 1;
  }
  const fine = handlers.filter((handler) => handler.ok);
  for (const line of tableLines(fine.map(rowOf), out.columns - 2)) printLine(out, `${out.paint("green", "✓")} ${line}`);
  for (const { name, error } of failed) printFault(out, error, name);
  for (const problem of problems) printFault(out, problem, problem.handler ?? "");
  const told = bad === 0 ? out.paint("green", "all fine") : out.paint("red", `${bad} failed`);
  printLine(
    out,
    `${handlers.length === 0 ? "" : `${fine.length} of ${handlers.length} handlers checked out: `}${told}`,
  );
  return bad === 0 ? 0 : 1;
}

function rowOf(handler: InspectedHandler & { ok: true }): string[] {
  const { kind, subject } = handler.metadata;
  return [handler.name, kind, subject, sizeText(handler.bundle.sizeBytes) + disabledRemark(handler)];
}

function printFault(out: Output, error: unknown, name: string): void {
  const room = { columns: out.columns, lead: name.length + 4, indent: INDENT.length, named: name };
  const text = errorText(error, out.paint, room).replaceAll("\n", `\n${INDENT}`);
  printLine(out, `${out.paint("red", "✗")} ${name === "" ? "" : `${out.paint("bold", name)}  `}${text}`);
}
