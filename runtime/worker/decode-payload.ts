// What came in, as a value. How it is read never depends on the bytes themselves: bytes that happen to look like JSON are
// read as JSON only where JSON is expected, and what cannot be read as expected is refused.
//
// | `payload`      | Content-Type              | the value                                             |
// | json (default) | none, JSON                | JSON; undefined when empty; refused when it is neither |
// | json           | text in UTF-8             | a string                                              |
// | json           | any other                 | a Uint8Array                                          |
// | bytes          | any                       | a Uint8Array                                          |
// | codec          | none, its own, any bytes  | what `decode` gives; refused when that throws         |
// | codec          | any other                 | refused                                               |

import { isUtf8 } from "node:buffer";
import type { PayloadCodec, PayloadFormat } from "../../sdk/payload.ts";
import { serializeError } from "../wire/serialize-error.ts";
import { isBytesType, isSameType, readingOf } from "./content-type.ts";

export type Decoded =
  | { readonly kind: "value"; readonly value: unknown }
  /** Text or bytes, as they came. */
  | { readonly kind: "raw"; readonly value: string | Uint8Array }
  | { readonly kind: "unreadable"; readonly message: string };

/** Where the bytes lie, and what their sender says of them. */
export interface Content {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
  readonly contentType: string | undefined;
}

const EMPTY: Decoded = { kind: "value", value: undefined };

/** Keeps nothing of the bytes. Never throws. */
export function decodePayload(content: Content, format: PayloadFormat): Decoded {
  const { contentType } = content;
  if (format === "bytes") return { kind: "raw", value: copyOf(content) };
  if (format !== "json") return decoded(content, format);
  const reading = contentType === undefined ? "json" : readingOf(contentType);
  if (reading === "json") return json(content);
  return reading === "text" ? text(content) : { kind: "raw", value: copyOf(content) };
}

function json({ bytes, start, end }: Content): Decoded {
  if (start === end) return EMPTY;
  const read = utf8(bytes, start, end);
  if (read === undefined) return NOT_UTF8;
  try {
    return { kind: "value", value: JSON.parse(read) };
  } catch (error) {
    return { kind: "unreadable", message: `payload is not JSON: ${(error as Error).message}` };
  }
}

function text({ bytes, start, end }: Content): Decoded {
  const read = utf8(bytes, start, end);
  return read === undefined ? NOT_UTF8 : { kind: "raw", value: read };
}

const NOT_UTF8: Decoded = { kind: "unreadable", message: "payload is not UTF-8" };

/** Undefined when it is not UTF-8: the character that stands for what cannot be read is rare enough to look twice. */
function utf8(bytes: Buffer, start: number, end: number): string | undefined {
  const read = bytes.toString("utf8", start, end);
  return read.includes("\ufffd") && !isUtf8(bytes.subarray(start, end)) ? undefined : read;
}

function decoded(content: Content, codec: PayloadCodec): Decoded {
  const { contentType } = content;
  const own = codec.contentType;
  if (contentType !== undefined && own !== undefined && !isBytesType(contentType) && !isSameType(contentType, own))
    return { kind: "unreadable", message: `its Content-Type is ${JSON.stringify(contentType)}, and not "${own}"` };
  try {
    const value = codec.decode(copyOf(content));
    if (value instanceof Promise) return { kind: "unreadable", message: "metadata.payload.decode gives a promise" };
    return { kind: "value", value };
  } catch (error) {
    return { kind: "unreadable", message: `payload cannot be decoded: ${serializeError(error).message}` };
  }
}

/** The author may keep it, and the batch it lies in is much larger. */
function copyOf({ bytes, start, end }: Content): Uint8Array {
  return new Uint8Array(bytes.subarray(start, end));
}
