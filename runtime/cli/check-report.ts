// What came of looking at every handler, for people: a line for each that is fine, and all that is wrong with the others.

import { ToldWarnings } from "../bundle/told-warnings.ts";
import { claimsText } from "../metadata/claims.ts";
import { errorText } from "../terminal/error-text.ts";
import { tableLines } from "../terminal/table.ts";
import { type Output, printLine } from "../terminal/terminal.ts";
import { sizeText } from "./duration-text.ts";
import { type CheckedHandler, disabledRemark, type ProjectCheck } from "./project-check.ts";

const INDENT = "    ";

/** How many things are wrong. */
export function badIn({ handlers, problems }: ProjectCheck): number {
  return handlers.filter((handler) => !handler.ok).length + problems.length;
}

export function printCheck(out: Output, checked: ProjectCheck): void {
  const { handlers, problems } = checked;
  const bad = badIn(checked);
  const failed = handlers.filter((handler) => !handler.ok);
  const fine = handlers.filter((handler) => handler.ok);
  for (const line of tableLines(fine.map(rowOf), out.columns - 2)) printLine(out, `${out.paint("green", "✓")} ${line}`);
  for (const { name, warning } of warningsIn(handlers)) printFault(out, warning, name, out.paint("yellow", "!"));
  for (const { name, error } of failed) printFault(out, error, name);
  for (const problem of problems) printFault(out, problem, problem.handler ?? "");
  const told = bad === 0 ? out.paint("green", "all fine") : out.paint("red", `${bad} failed`);
  printLine(
    out,
    `${handlers.length === 0 ? "" : `${fine.length} of ${handlers.length} handlers checked out: `}${told}`,
  );
}

function rowOf(handler: CheckedHandler & { ok: true }): string[] {
  const { kind, subjects } = handler.metadata;
  return [handler.name, kind, claimsText(subjects), sizeText(handler.sizeBytes) + disabledRemark(handler)];
}

/** Each once: handlers that share a module share its warnings. */
function warningsIn(handlers: readonly CheckedHandler[]) {
  const told = new ToldWarnings();
  return handlers.flatMap(({ name, warnings }) => told.news(name, warnings).map((warning) => ({ name, warning })));
}

function printFault(out: Output, error: unknown, name: string, mark = out.paint("red", "✗")): void {
  const room = { columns: out.columns, lead: name.length + 4, indent: INDENT.length, named: name };
  const text = errorText(error, out.paint, room).replaceAll("\n", `\n${INDENT}`);
  printLine(out, `${mark} ${name === "" ? "" : `${out.paint("bold", name)}  `}${text}`);
}
