// A message as a file, for tests: JSON that a person can read and change, and that gives back the same bytes.
//
// F1  The payload is in one of three fields: `data` where its JSON is written as `JSON.stringify` would, `text` for any other
//     text, `base64` for the rest.
// F2  A file that is there is never written over: the next number is taken.

import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";

export interface FileMessage {
  readonly subject: string;
  readonly headers: Readonly<Record<string, readonly string[]>>;
  readonly payload: Uint8Array;
}

interface Written {
  readonly subject?: unknown;
  readonly headers?: unknown;
  readonly data?: unknown;
  readonly text?: unknown;
  readonly base64?: unknown;
}

const FIRST_NUMBER = 1;
const DIGITS = 4;
/** File names end somewhere, and subjects may be longer. */
const MOST_SUBJECT_CHARS = 120;

/** @param about what is written beside the message, for whoever reads the file. Returns its name. */
export function writeMessageFile(folder: string, message: FileMessage, about: object = {}): string {
  mkdirSync(folder, { recursive: true });
  const text = `${JSON.stringify(toWritten(message, about), null, 2)}\n`;
  const stem = message.subject.replace(/[^A-Za-z0-9._-]/g, "_").slice(0, MOST_SUBJECT_CHARS);
  for (let number = FIRST_NUMBER; ; number++) {
    const name = `${stem}-${String(number).padStart(DIGITS, "0")}.json`;
    try {
      writeFileSync(join(folder, name), text, { flag: "wx" }); // F2
      return name;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
  }
}

/** Of one file, or of all of a folder, in the order of their names. Throws an Error that names the file that is none. */
export function readMessageFiles(path: string): (FileMessage & { readonly file: string })[] {
  const files = statSync(path).isDirectory() ? filesIn(path) : [path];
  return files.map((file) => ({ file: basename(file), ...readOne(file) }));
}

function filesIn(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(".json"))
    .sort()
    .map((name) => join(folder, name));
}

function readOne(file: string): FileMessage {
  const faulty = (what: string) => new Error(`${file} is no message: ${what}`);
  let written: Written | null;
  try {
    written = JSON.parse(readFileSync(file, "utf8")) as Written | null;
  } catch (error) {
    throw faulty((error as Error).message);
  }
  const { subject, headers = {} } = written ?? {};
  if (typeof subject !== "string" || subject === "") throw faulty("it has no `subject`");
  if (!areHeaders(headers)) throw faulty("`headers` must be lists of texts, by name");
  const payload = payloadOf(written ?? {});
  if (payload === undefined) throw faulty("it needs one of `data`, `text` and `base64`");
  return { subject, headers, payload };
}

function areHeaders(headers: unknown): headers is FileMessage["headers"] {
  if (typeof headers !== "object" || headers === null) return false;
  return Object.values(headers).every((all) => Array.isArray(all) && all.every((one) => typeof one === "string"));
}

/** F1. Undefined: none of them, or several. */
function payloadOf({ data, text, base64 }: Written): Uint8Array | undefined {
  if ([data, text, base64].filter((one) => one !== undefined).length !== 1) return undefined;
  if (data !== undefined) return Buffer.from(JSON.stringify(data));
  if (typeof text === "string") return Buffer.from(text);
  return typeof base64 === "string" ? Buffer.from(base64, "base64") : undefined;
}

function toWritten({ subject, headers, payload }: FileMessage, about: object): object {
  const has = Object.keys(headers).length > 0;
  return { subject, ...(has ? { headers } : {}), ...contentOf(payload), ...about };
}

/** F1. */
function contentOf(payload: Uint8Array): object {
  const bytes = Buffer.from(payload);
  const text = bytes.toString("utf8");
  if (!Buffer.from(text).equals(bytes)) return { base64: bytes.toString("base64") };
  try {
    const data: unknown = JSON.parse(text);
    return JSON.stringify(data) === text ? { data } : { text };
  } catch {
    return { text };
  }
}
