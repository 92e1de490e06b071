// A delivery as it stands in its frame. Its payload stays there: it is decoded by whoever needs it.

import { DELIVER_HAS_HEADERS, DELIVER_HAS_SUBJECT, readU53 } from "../protocol.ts";
import type { Arrival } from "./context.ts";

/** @param boundSubject what it is when the frame names none: the handler has no wildcards */
export function readDelivery(bytes: Buffer, start: number, frameId: number, boundSubject: string): Arrival {
  let at = start + 4;
  const seq = readU53(bytes, at);
  const attempt = bytes.readUInt16BE(at + 8);
  const flags = bytes[at + 10]!;
  at += 11;
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
  return { frameId, seq, attempt, subject, headerBytes, payloadStart: at };
}
