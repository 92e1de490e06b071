// Changes to what esbuild has printed, with its source map kept true.
//
// E1  An edit lies within one line and puts in no line break: lines stay, and only columns move.
// E2  Of a source map only the generated columns of the edited lines change: everything else in it counts from the entry
//     before, wherever that stands.

export interface Edit {
  /** Where it starts in the code, and how many characters it takes away. */
  readonly at: number;
  readonly length: number;
  readonly text: string;
}

export interface Printed {
  readonly code: string;
  /** A source map as JSON. */
  readonly map: string;
}

/** The edits in any order; none may lie within another. */
export function applyEdits({ code, map }: Printed, edits: readonly Edit[]): Printed {
  if (edits.length === 0) return { code, map };
  const sorted = edits.toSorted((a, b) => a.at - b.at);
  return { code: editedCode(code, sorted), map: editedMap(map, shiftsByLine(code, sorted)) };
}

function editedCode(code: string, edits: readonly Edit[]): string {
  const parts: string[] = [];
  let from = 0;
  for (const { at, length, text } of edits) {
    parts.push(code.slice(from, at), text);
    from = at + length;
  }
  return parts.concat(code.slice(from)).join("");
}

interface Shift {
  readonly column: number;
  readonly by: number;
}

function shiftsByLine(code: string, edits: readonly Edit[]): Map<number, Shift[]> {
  const shifts = new Map<number, Shift[]>();
  let line = 0;
  let lineStart = 0;
  for (const { at, length, text } of edits) {
    for (let next = code.indexOf("\n", lineStart); next !== -1 && next < at; next = code.indexOf("\n", lineStart)) {
      line++;
      lineStart = next + 1;
    }
    const known = shifts.get(line) ?? [];
    known.push({ column: at - lineStart + length, by: text.length - length });
    shifts.set(line, known);
  }
  return shifts;
}

function editedMap(map: string, shifts: ReadonlyMap<number, readonly Shift[]>): string {
  const parsed = JSON.parse(map) as { mappings: string };
  const lines = parsed.mappings.split(";");
  for (const [line, shiftsHere] of shifts) lines[line] = shifted(lines[line] ?? "", shiftsHere);
  return JSON.stringify({ ...parsed, mappings: lines.join(";") });
}

/** E2: the first number of each entry is how far its column lies from that of the entry before. */
function shifted(line: string, shifts: readonly Shift[]): string {
  if (line === "") return line;
  let before = 0;
  let columnBefore = 0;
  let by = 0;
  let next = 0;
  const entries = line.split(",").map((entry) => {
    const { value, length } = readNumber(entry);
    const column = columnBefore + value;
    for (; next < shifts.length && shifts[next]!.column <= column; next++) by += shifts[next]!.by;
    const rest = entry.slice(length);
    const moved = column + by;
    const written = writeNumber(moved - before) + rest;
    columnBefore = column;
    before = moved;
    return written;
  });
  return entries.join(",");
}

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const CONTINUES = 32;

/** The first number of an entry, and how many characters it takes. */
function readNumber(entry: string): { value: number; length: number } {
  let bits = 0;
  let length = 0;
  for (let digit = CONTINUES; digit & CONTINUES; length++) {
    digit = DIGITS.indexOf(entry[length] ?? "A");
    bits |= (digit & (CONTINUES - 1)) << (5 * length);
  }
  return { value: bits & 1 ? -(bits >> 1) : bits >> 1, length };
}

function writeNumber(value: number): string {
  let bits = value < 0 ? (-value << 1) | 1 : value << 1;
  let written = "";
  do {
    const digit = bits & (CONTINUES - 1);
    bits >>>= 5;
    written += DIGITS[bits > 0 ? digit | CONTINUES : digit];
  } while (bits > 0);
  return written;
}
