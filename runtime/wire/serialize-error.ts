// Errors cross the boundary as data, with their stack already pointing into the TypeScript.
//
// What is thrown is the author's, or a library's: a getter of it may throw, and a Proxy may throw at every touch. Nothing
// here does.

import type { SerializedError } from "../message/outcome.ts";

const MAX_NAME_CHARS = 200;
const MAX_MESSAGE_CHARS = 4_000;
const MAX_STACK_CHARS = 16_000;
const MAX_PREVIEW_CHARS = 200;
const UNREADABLE = "(cannot be read)";

/** Never throws, whatever has been thrown. */
export function serializeError(thrown: unknown): SerializedError {
  if (!isError(thrown)) return { name: "Error", message: `threw ${preview(thrown)}, which is not an Error`, stack: "" };
  const code = read(thrown, "code");
  return {
    name: textOf(read(thrown, "name"), "Error").slice(0, MAX_NAME_CHARS),
    message: textOf(read(thrown, "message"), "").slice(0, MAX_MESSAGE_CHARS),
    stack: stackOf(thrown).slice(0, MAX_STACK_CHARS),
    ...(typeof code === "number" ? { code } : {}),
    ...(typeof code === "string" && code !== UNREADABLE ? { code: code.slice(0, MAX_NAME_CHARS) } : {}),
  };
}

/** Never throws. */
export function isError(value: unknown): value is Error {
  try {
    return value instanceof Error;
  } catch {
    return false;
  }
}

/** The value on one line, shortened. Never throws. */
export function preview(value: unknown): string {
  if (typeof value === "bigint") return `${value}n`;
  try {
    const text = JSON.stringify(value) ?? String(value);
    return text.length > MAX_PREVIEW_CHARS ? `${text.slice(0, MAX_PREVIEW_CHARS)}...` : text;
  } catch {
    return tagOf(value);
  }
}

function tagOf(value: unknown): string {
  try {
    return Object.prototype.toString.call(value);
  } catch {
    return "something that cannot be read";
  }
}

function read(error: Error, key: "name" | "message" | "stack" | "cause" | "code"): unknown {
  try {
    return (error as { code?: unknown } & Error)[key];
  } catch {
    return UNREADABLE;
  }
}

/** The stack with its causes, frames of the runtime itself left out. */
function stackOf(error: Error): string {
  const parts: string[] = [];
  let current: unknown = error;
  for (let depth = 0; depth < 5 && isError(current); depth++) {
    const prefix = depth === 0 ? "" : "caused by ";
    parts.push(prefix + withoutOwnFrames(textOf(read(current, "stack"), headOf(current))));
    current = read(current, "cause");
  }
  return parts.join("\n");
}

/** As the first line of a stack. */
function headOf(error: Error): string {
  return `${textOf(read(error, "name"), "Error")}: ${textOf(read(error, "message"), "")}`;
}

/** The worker's program: as sources, published, or bundled (bundle/worker-program). */
const OWN_FRAME = /[\\/](runtime[\\/]worker[\\/]|\.handlers[\\/]program[\\/])/;

function withoutOwnFrames(stack: string): string {
  return stack
    .split("\n")
    .filter((line) => !(OWN_FRAME.test(line) && line.trimStart().startsWith("at ")))
    .join("\n");
}

function textOf(value: unknown, otherwise: string): string {
  return typeof value === "string" ? value : otherwise;
}
