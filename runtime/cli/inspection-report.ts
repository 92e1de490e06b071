// What came of looking at every handler, for people: a line for each that is fine, and all that is wrong with the others.

import { errorText } from "../observe/error-text.ts";
import { sizeText } from "./duration-text.ts";
import { disabledRemark, type InspectedHandler, type Inspection } from "./inspection.ts";
import { tableLines } from "./table.ts";
import { type Output, printLine } from "./terminal.ts";

const INDENT = "    ";

/** How many things are wrong. */
export function badIn({ handlers, problems }: Inspection): number {
  return handlers.filter((handler) => !handler.ok).length + problems.length;
}

export function printInspection(out: Output, inspection: Inspection): void {
  const { handlers, problems } = inspection;
  const bad = badIn(inspection);
  const failed = handlers.filter((handler) => !handler.ok);
  const fine = handlers.filter((handler) => handler.ok);
  for (const line of tableLines(fine.map(rowOf), out.columns - 2)) printLine(out, `${out.paint("green", "✓")} ${line}`);
  for (const { name, error } of failed) printFault(out, error, name);
  for (const problem of problems) printFault(out, problem, problem.handler ?? "");
  const told = bad === 0 ? out.paint("green", "all fine") : out.paint("red", `${bad} failed`);
  printLine(
    out,
    `${handlers.length === 0 ? "" : `${fine.length} of ${handlers.length} handlers checked out: `}${told}`,
  );
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
