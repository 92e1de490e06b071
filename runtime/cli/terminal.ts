// Where a command reads and writes: given to it, so that tests can listen.

import { text } from "node:stream/consumers";
import { errorText } from "../observe/error-text.ts";
import { type Paint, paintFor } from "../observe/paint.ts";
import { wrap } from "../observe/wrap.ts";

/** One of the two outputs. */
export interface Output {
  readonly isTerminal: boolean;
  /** Width to format for; infinite where it is not a terminal, because files and pipes do not wrap. */
  readonly columns: number;
  readonly paint: Paint;
  /** As it is, without a line end. */
  write(data: string | Uint8Array): void;
}

export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Results. */
  readonly out: Output;
  /** Everything else: errors, progress, remarks. */
  readonly err: Output;
  readStdin(): Promise<string>;
}

export const DEFAULT_COLUMNS = 80;
const REMARK = "    ";

export function processTerminal(): Terminal {
  return {
    env: process.env,
    cwd: process.cwd(),
    out: outputOf(process.stdout),
    err: outputOf(process.stderr),
    readStdin: () => text(process.stdin),
  };
}

function outputOf(stream: NodeJS.WriteStream): Output {
  return {
    isTerminal: stream.isTTY === true,
    get columns() {
      return stream.isTTY === true ? stream.columns || DEFAULT_COLUMNS : Number.POSITIVE_INFINITY;
    },
    paint: paintFor(stream.isTTY === true, process.env),
    write: (data) => void stream.write(data),
  };
}

export function printLine(output: Output, line: string): void {
  output.write(`${line}\n`);
}

/** Remarks under a line, indented. */
export function printWrapped(output: Output, texts: readonly string[]): void {
  for (const text of texts)
    for (const line of wrap(text, output.columns - REMARK.length).split("\n")) printLine(output, REMARK + line);
}

export function printError({ err }: Terminal, error: unknown): void {
  printLine(err, errorText(error, err.paint, { columns: err.columns }));
}
