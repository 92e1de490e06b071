// The subject, the payload and the headers as they stand on the command line.

import { headers, type MsgHdrs } from "@nats-io/transport-node";
import { RuntimeError } from "../errors.ts";
import { publishSubjectProblem } from "../metadata/subject.ts";
import type { Terminal } from "../terminal/terminal.ts";

export interface PayloadOptions {
  /** The text need not be JSON. */
  readonly raw?: boolean;
}

/** Throws USAGE when nothing can be published to it. */
export function checkSubject(subject: string): void {
  const problem = publishSubjectProblem(subject);
  if (problem === undefined) return;
  throw new RuntimeError("USAGE", `the subject ${problem}; received ${JSON.stringify(subject)}`);
}

/** The payload as bytes: nothing when none is given. Throws USAGE when it is not JSON, unless `raw`. */
export async function readPayload(
  payload: string | undefined,
  { raw = false }: PayloadOptions,
  terminal: Terminal,
): Promise<Uint8Array> {
  const text = payload === "-" ? await terminal.readStdin() : (payload ?? "");
  if (!raw && text !== "") checkJson(text);
  return new TextEncoder().encode(text);
}

const SHOWN_CHARS = 60;

function checkJson(text: string): void {
  try {
    JSON.parse(text);
  } catch (error) {
    const shown = text.length > SHOWN_CHARS ? `${text.slice(0, SHOWN_CHARS)}…` : text;
    throw new RuntimeError("USAGE", `the payload is not JSON: ${(error as Error).message}\nreceived: ${shown}`, {
      remedy: `Quote it for the shell ('{"id": 1}'), or send the text as it is with --raw.`,
      cause: error,
    });
  }
}

/** `name=value`, or `name: value` as other tools write it. Undefined when there is none. Throws USAGE. */
export function readHeaders(words: readonly string[] = []): MsgHdrs | undefined {
  if (words.length === 0) return undefined;
  const read = headers();
  for (const word of words) {
    const [, name, value] = /^([!-9;<>-~]+)\s*[=:]\s*(.*)$/s.exec(word) ?? [];
    if (name === undefined || value === undefined || /[\r\n]/.test(value)) {
      const message = `a header is written NAME=VALUE, on one line, its name in ASCII; received ${JSON.stringify(word)}`;
      throw new RuntimeError("USAGE", message);
    }
    read.append(name, value);
  }
  return read;
}

export function byteCount(count: number): string {
  return count === 1 ? "1 byte" : `${count} bytes`;
}
