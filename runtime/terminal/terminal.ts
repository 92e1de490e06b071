// Where a command reads and writes: given to it, so that tests can listen.

import { createInterface } from "node:readline/promises";
import { text } from "node:stream/consumers";
import { errorText } from "./error-text.ts";
import { type Paint, paintFor } from "./paint.ts";
import { takerOf } from "./take-some.ts";
import { onTypedLine } from "./typed-lines.ts";
import { wrap } from "./wrap.ts";

/** One of the two outputs. */
export interface Output {
  readonly isTerminal: boolean;
  /** Width to format for; infinite where it is not a terminal, because files and pipes do not wrap. */
  readonly columns: number;
  readonly paint: Paint;
  /** As it is, without a line end. */
  write(data: string | Uint8Array): void;
  /** Write what is taken at once, and return how many bytes that were; undefined where `write` never waits. */
  take?(bytes: Uint8Array): number;
}

export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Results. */
  readonly out: Output;
  /** Everything else: errors, progress, remarks. */
  readonly err: Output;
  readStdin(): Promise<string>;
  /** One line that somebody types; it resolves with undefined at Ctrl-C and Ctrl-D. Undefined where nobody sits at a terminal. */
  readonly ask?: ((question: string) => Promise<string | undefined>) | undefined;
  /** Each line that somebody types from now on; returns what ends it. Undefined where nobody sits at a terminal. */
  readonly onLine?: ((take: (line: string) => void) => () => void) | undefined;
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
    ask: process.stdin.isTTY && process.stdout.isTTY ? askLine : undefined,
    onLine: process.stdin.isTTY ? (take) => onTypedLine(process.stdin, take) : undefined,
  };
}

async function askLine(question: string): Promise<string | undefined> {
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  const closed = new Promise<undefined>((resolve) => lines.once("close", () => resolve(undefined)));
  try {
    return await Promise.race([lines.question(question), closed]);
  } finally {
    lines.close();
  }
}

function outputOf(stream: NodeJS.WriteStream): Output {
  let take: ((bytes: Uint8Array) => number) | undefined;
  return {
    isTerminal: stream.isTTY === true,
    get columns() {
      return stream.isTTY === true ? stream.columns || DEFAULT_COLUMNS : Number.POSITIVE_INFINITY;
    },
    paint: paintFor(stream.isTTY === true, process.env),
    write: (data) => void stream.write(data),
    take(bytes) {
      // Not before it is wanted: it changes how the stream is written to. What nobody reads is nobody's.
      take ??= takerOf(stream, () => undefined);
      return take(bytes);
    },
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
