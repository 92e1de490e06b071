// docs/performance.md: what a run has measured takes the place of what stood there before, scenario by scenario.

import { readFileSync, writeFileSync } from "node:fs";
import { type Machine, renderMachine } from "./machine.ts";
import type { Table } from "./table.ts";

const PAGE = new URL("../../../docs/performance.md", import.meta.url);

/** Put the tables between `<!-- bench NAME -->` and `<!-- end -->`. Throws when the page has no such place. */
export function writeTables(name: string, tables: readonly Table[], machine: Machine): void {
  const page = readFileSync(PAGE, "utf8");
  const begin = `<!-- bench ${name} -->\n`;
  const from = page.indexOf(begin);
  const to = page.indexOf("<!-- end -->", from);
  if (from < 0 || to < 0) throw new Error(`docs/performance.md has no place for the tables of "${name}"`);
  const measured = renderMachine(machine).trim().split("\n").join(" · ");
  const text = `${tables.map(renderMarkdown).join("\n")}\n<sub>${measured}</sub>\n`;
  writeFileSync(PAGE, page.slice(0, from + begin.length) + text + page.slice(to));
}

/** Whether the page shows this scenario. */
export function hasTables(name: string): boolean {
  return readFileSync(PAGE, "utf8").includes(`<!-- bench ${name} -->`);
}

function renderMarkdown({ title, head, rows, notes }: Table): string {
  const line = (cells: readonly string[]) => `| ${head.map((_, at) => cells[at] ?? "").join(" | ")} |`;
  const rule = `| ${head.map((_, at) => (at === 0 ? "---" : "---:")).join(" | ")} |`;
  return [`**${title}**`, "", line(head), rule, ...rows.map(line), "", ...notes.map((note) => `${note}<br>`), ""].join(
    "\n",
  );
}
