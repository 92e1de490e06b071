// What goes out, as bytes: of what a handler returns, yields and publishes.

import type { PayloadCodec, PayloadFormat } from "../../sdk/payload.ts";
import { serializeError } from "../wire/serialize-error.ts";
import { lossIn } from "./json-losses.ts";

export class NotSerializableError extends Error {
  override readonly name: string = "NotSerializableError";
  readonly #isOurs = true;

  /** Without a touch of the value, which may be a Proxy that throws at each. */
  static is(thrown: unknown): thrown is NotSerializableError {
    return typeof thrown === "object" && thrown !== null && #isOurs in thrown;
  }
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

/** As `encodePayload`, in the codec's own way where it has one. What `encode` throws is a NotSerializableError. */
export function encodeBy(format: PayloadFormat, value: unknown, what: string, rawText: boolean): Uint8Array {
  if (typeof format === "string" || format.encode === undefined || value === undefined || value instanceof Uint8Array)
    return encodePayload(value, what, rawText);
  const bytes = encodedBy(format, value, what);
  assertSendable(bytes.length, what);
  return bytes;
}

function encodedBy(codec: PayloadCodec, value: unknown, what: string): Uint8Array {
  let bytes: unknown;
  try {
    bytes = codec.encode?.(value as never);
  } catch (error) {
    throw new NotSerializableError(`${what} cannot be encoded: ${serializeError(error).message}`);
  }
  if (bytes instanceof Uint8Array) return bytes;
  throw new NotSerializableError(`metadata.payload.encode must give a Uint8Array, but gave ${typeof bytes}`);
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

/** As `encodePayload` with `rawText`, of any length. */
export function encodeRaw(value: unknown, what: string): Uint8Array {
  return encode(value, what, true);
}

function encode(value: unknown, what: string, rawText: boolean): Uint8Array {
  if (value === undefined) return NOTHING;
  if (value instanceof Uint8Array) return value;
  if (rawText && typeof value === "string") return Buffer.from(value, "utf8");
  return Buffer.from(jsonOf(value, what), "utf8");
}

/** Throws NotSerializableError for what JSON cannot carry. */
export function jsonOf(value: unknown, what: string): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    throw new NotSerializableError(`${what} cannot be written as JSON: ${firstLineOf(error)}`);
  }
  if (text === undefined) throw new NotSerializableError(`${what} is a ${typeof value}, which JSON cannot carry`);
  const loss = lossIn(value, text);
  if (loss !== undefined) throw new NotSerializableError(`${what} ${loss}, which JSON cannot carry`);
  return text;
}

function firstLineOf(error: unknown): string {
  return serializeError(error).message.split("\n", 1)[0]!;
}
