// A few lines of source with a marker under the fault, without colours.

const CONTEXT_LINES = 3;
const WIDEST = 120;

/**
 * The lines around `line`, the faulty one marked with `>` and a caret under `column`.
 *
 * Both count from 1, `column` in characters. A place outside the source gives "".
 * Tabs become two spaces; of lines wider than 120 characters the part around the column is shown.
 */
export function codeFrame(source: string, line: number, column: number): string {
  const lines = source.split(/\r\n|\n|\r/);
  if (line < 1 || line > lines.length) return "";
  const first = Math.max(1, line - CONTEXT_LINES);
  const last = Math.min(lines.length, line + CONTEXT_LINES);
  const gutter = String(last).length;
  const start = windowStart(expandTabs((lines[line - 1] ?? "").slice(0, column - 1)).length);
  const frame: string[] = [];
  for (let number = first; number <= last; number++) {
    const text = expandTabs(lines[number - 1] ?? "").slice(start, start + WIDEST);
    frame.push(`${number === line ? ">" : " "} ${String(number).padStart(gutter)} | ${text}`.trimEnd());
    if (number === line) frame.push(caretLine(lines[number - 1] ?? "", column, start, gutter));
  }
  return frame.join("\n");
}

function caretLine(text: string, column: number, start: number, gutter: number): string {
  const before = expandTabs(text.slice(0, Math.max(0, column - 1))).length - start;
  return `  ${" ".repeat(gutter)} | ${" ".repeat(Math.max(0, before))}^`;
}

function windowStart(caretAt: number): number {
  return caretAt < WIDEST - 10 ? 0 : caretAt - Math.floor(WIDEST / 2);
}

function expandTabs(text: string): string {
  return text.replaceAll("\t", "  ");
}
