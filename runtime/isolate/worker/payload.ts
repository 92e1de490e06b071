// Payloads: JSON by default. Content that is not JSON reaches a handler without a schema as bytes.

import type { SchemaIssue } from "../../deliver/outcome.ts";

export type Decoded =
  | { readonly kind: "json"; readonly value: unknown }
  | { readonly kind: "bytes"; readonly value: Uint8Array }
  | { readonly kind: "unreadable"; readonly message: string };

const EMPTY: Decoded = { kind: "json", value: undefined };

export function decodePayload(bytes: Buffer, start: number, end: number, hasSchema: boolean): Decoded {
  if (start === end) return EMPTY;
  if (hasSchema || looksLikeJson(bytes[start]!)) {
    try {
      return { kind: "json", value: JSON.parse(bytes.toString("utf8", start, end)) };
    } catch (error) {
      if (hasSchema) return { kind: "unreadable", message: `payload is not JSON: ${(error as Error).message}` };
    }
  }
  // A copy, because the author may keep it and the batch it lies in is much larger.
  return { kind: "bytes", value: new Uint8Array(bytes.subarray(start, end)) };
}

/** First byte of a JSON text: `{ [ " - t f n`, a digit or white space (RFC 8259). */
function looksLikeJson(byte: number): boolean {
  switch (byte) {
    case 0x7b:
    case 0x5b:
    case 0x22:
    case 0x2d:
    case 0x74:
    case 0x66:
    case 0x6e:
    case 0x20:
    case 0x0a:
    case 0x0d:
    case 0x09:
      return true;
    default:
      return byte >= 0x30 && byte <= 0x39;
  }
}

export class NotSerializableError extends Error {
  override readonly name = "NotSerializableError";
}

/** Told here, by name, because a frame that is too large costs the whole worker. */
export class TooLargeError extends NotSerializableError {
  readonly code = 413;
}

/** The most that any NATS server can be set to take; the one we talk to says so itself when it takes less. */
const MOST_BYTES = 64 * 1024 ** 2;
/** A frame makes room for three bytes a character. */
const SHORT_CHARS = 16 * 1024;
const NOTHING = new Uint8Array(0);

/**
 * The bytes that stand for `value`: bytes as they are, undefined as an empty payload, anything else as JSON. With
 * `rawText` a string is its UTF-8 bytes. Throws NotSerializableError for what JSON cannot carry, TooLargeError for what
 * no server takes.
 */
export function encodePayload(value: unknown, what: string, rawText = false): Uint8Array {
  const bytes = encode(value, what, rawText);
  assertSendable(bytes.length, what);
  return bytes;
}

/** As `encodePayload`, but short JSON stays text: a frame takes it as it is, without bytes of its own in between. */
export function textOrBytes(value: unknown, what: string): string | Uint8Array {
  if (value === undefined || value instanceof Uint8Array) return encodePayload(value, what);
  const text = jsonOf(value, what);
  return text.length <= SHORT_CHARS ? text : Buffer.from(text, "utf8");
}

export function assertSendable(bytes: number, what: string): void {
  if (bytes <= MOST_BYTES) return;
  throw new TooLargeError(`${what} takes ${bytes} bytes, and no NATS server takes more than ${MOST_BYTES}`);
}

function encode(value: unknown, what: string, rawText: boolean): Uint8Array {
  if (value === undefined) return NOTHING;
  if (value instanceof Uint8Array) return value;
  if (rawText && typeof value === "string") return Buffer.from(value, "utf8");
  return Buffer.from(jsonOf(value, what), "utf8");
}

function jsonOf(value: unknown, what: string): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    throw new NotSerializableError(`${what} cannot be written as JSON: ${(error as Error).message.split("\n")[0]}`);
  }
  if (text === undefined) throw new NotSerializableError(`${what} is a ${typeof value}, which JSON cannot carry`);
  return text;
}

interface StandardIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

const MOST_ISSUES = 50;
const MOST_ISSUE_CHARS = 1_000;

/** Issues of a Standard Schema result, paths as `item.tags.0`; bounded, because the requester is sent them. */
export function readIssues(issues: readonly StandardIssue[]): SchemaIssue[] {
  return issues.slice(0, MOST_ISSUES).map((issue) => ({
    path: (issue.path ?? [])
      .map((part) => String(typeof part === "object" ? part.key : part))
      .join(".")
      .slice(0, MOST_ISSUE_CHARS),
    message: issue.message.slice(0, MOST_ISSUE_CHARS),
  }));
}

export function describeIssues(issues: readonly SchemaIssue[]): string {
  return issues.map(({ path, message }) => (path === "" ? message : `${path}: ${message}`)).join("; ");
}
