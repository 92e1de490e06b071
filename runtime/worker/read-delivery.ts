// A delivery as it stands in its frame. Its payload stays there: it is decoded by whoever needs it.

import {
  DELIVER_HAS_HEADERS,
  DELIVER_HAS_ORIGIN,
  DELIVER_HAS_STORED_AT,
  DELIVER_HAS_SUBJECT,
  DELIVER_IS_AGAIN,
  readU53,
} from "../wire/protocol.ts";
import type { Arrival } from "./arrival.ts";

/** @param boundSubject what it is when the frame names none: the first of the handler's, without wildcards */
export function readDelivery(bytes: Buffer, start: number, frameId: number, boundSubject: string): Arrival {
  let at = start + 4;
  const seq = readU53(bytes, at);
  const attempt = bytes.readUInt16BE(at + 8);
  const flags = bytes[at + 10]!;
  at += 11;
  let storedAtMs: number | undefined;
  if (flags & DELIVER_HAS_STORED_AT) {
    storedAtMs = readU53(bytes, at);
    at += 8;
  }
  let origin = 0;
  if (flags & DELIVER_HAS_ORIGIN) origin = bytes[at++]!;
  let subject = boundSubject;
  if (flags & DELIVER_HAS_SUBJECT) {
    const length = bytes.readUInt16BE(at);
    subject = bytes.toString("utf8", at + 2, at + 2 + length);
    at += 2 + length;
  }
  let headerBytes: Buffer | undefined;
  if (flags & DELIVER_HAS_HEADERS) {
    const length = bytes.readUInt32BE(at);
    headerBytes = Buffer.from(bytes.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  const again = (flags & DELIVER_IS_AGAIN) !== 0;
  return { frameId, seq, origin, storedAtMs, again, attempt, subject, headerBytes, payloadStart: at };
}
