// Rows in columns, without lines around them.

const GAP = "  ";
const NARROWEST = 8;

/**
 * Each row padded to its columns, as lines. The last column is cut (with `…`) where a line would be
 * longer; the others are never cut, because they are what is copied.
 */
export function tableLines(rows: readonly (readonly string[])[], width: number): string[] {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  const before = widths.slice(0, -1).reduce((sum, cells) => sum + cells + GAP.length, 0);
  const last = Math.max(NARROWEST, width - before);
  return rows.map((row) => {
    const cells = row.map((cell, at) => (at === columns - 1 ? cut(cell, last) : cell.padEnd(widths[at] ?? 0)));
    return cells.join(GAP).trimEnd();
  });
}

function cut(text: string, width: number): string {
  return text.length > width ? `${text.slice(0, width - 1)}…` : text;
}
