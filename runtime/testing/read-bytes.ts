// Bytes as a handler would read them.

import { decodePayload } from "../worker/decode-payload.ts";

/** As JSON, where it is JSON; else the bytes. */
export function readBytes(payload: Uint8Array, contentType?: string): unknown {
  const bytes = Buffer.from(payload);
  const decoded = decodePayload({ bytes, start: 0, end: bytes.length, contentType }, "json");
  return decoded.kind === "unreadable" ? new Uint8Array(payload) : decoded.value;
}
