// Columns that give way when the window is narrow. Pure.

export interface Column {
  readonly heading: string;
  readonly cells: readonly string[];
  readonly align: "left" | "right";
  /** The higher, the longer it stays; undefined: always. */
  readonly worth?: number;
  /** May be cut (with `…`) once nothing else can go. */
  readonly shrinks?: boolean;
}

const GAP = 2;
const NARROWEST = 8;

/** Heading and rows, each at most `width` characters as far as the columns that always stay allow. */
export function columnLines(columns: readonly Column[], width: number): string[] {
  let shown = [...columns];
  for (const column of byWorth(columns)) {
    if (totalWidth(shown) <= width) break;
    shown = shown.filter((other) => other !== column);
  }
  shown = shown.map((column) => (column.shrinks === true ? shrunk(column, width - totalWidth(shown)) : column));
  const rows = Math.max(0, ...columns.map(({ cells }) => cells.length));
  return [-1, ...Array.from({ length: rows }, (_, at) => at)].map((row) => {
    const cells = shown.map((column) => aligned(column, row === -1 ? column.heading : (column.cells[row] ?? "")));
    return cells.join(" ".repeat(GAP)).trimEnd();
  });
}

function byWorth(columns: readonly Column[]): Column[] {
  return columns.filter(({ worth }) => worth !== undefined).sort((a, b) => (a.worth ?? 0) - (b.worth ?? 0));
}

function widthOf({ heading, cells }: Column): number {
  return Math.max(heading.length, ...cells.map(({ length }) => length));
}

function totalWidth(columns: readonly Column[]): number {
  return columns.reduce((sum, column) => sum + widthOf(column), 0) + GAP * (columns.length - 1);
}

function shrunk(column: Column, spare: number): Column {
  if (spare >= 0) return column;
  const most = Math.max(NARROWEST, widthOf(column) + spare);
  const cut = (text: string) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);
  return { ...column, heading: cut(column.heading), cells: column.cells.map(cut) };
}

function aligned(column: Column, text: string): string {
  return column.align === "left" ? text.padEnd(widthOf(column)) : text.padStart(widthOf(column));
}
