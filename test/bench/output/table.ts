// Tables for people, at most 100 columns: the first column to the left, numbers to the right.

export interface Table {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Lines below the table: verdicts, conditions, what went wrong. */
  readonly notes: readonly string[];
}

export function renderTable({ title, head, rows, notes }: Table): string {
  const widths = head.map((cell, at) => Math.max(cell.length, ...rows.map((row) => (row[at] ?? "").length)));
  const line = (cells: readonly string[]) =>
    widths
      .map((width, at) => (at === 0 ? (cells[at] ?? "").padEnd(width) : (cells[at] ?? "").padStart(width)))
      .join("  ");
  const rule = widths.map((width) => "-".repeat(width)).join("  ");
  return [title, "", ...[line(head), rule, ...rows.map(line), ...notes].map((text) => `  ${text}`.trimEnd()), ""].join(
    "\n",
  );
}
