// A publish or a request of a handler, and its answer, as they cross the boundary.

import type { CallAnswer, HandlerCall } from "../deliver/handler-call.ts";
import { FrameType, type FrameWriter } from "./protocol.ts";

/** Copies what it reads: the call outlives the frame. Throws a RangeError when the frame is shorter than it says. */
export function readCall(kind: "publish" | "request", bytes: Buffer, start: number, end: number): HandlerCall {
  const timeoutMs = bytes.readUInt32BE(start + 8);
  let at = start + 12;
  const subjectEnd = at + 2 + bytes.readUInt16BE(at);
  const subject = bytes.toString("utf8", at + 2, subjectEnd);
  at = subjectEnd;
  const idEnd = at + 2 + bytes.readUInt16BE(at);
  const messageId = bytes.toString("utf8", at + 2, idEnd);
  at = idEnd;
  const headersEnd = at + 4 + bytes.readUInt32BE(at);
  if (headersEnd > end) throw new RangeError("a call longer than its frame");
  const headers = Buffer.from(bytes.subarray(at + 4, headersEnd));
  return { kind, subject, messageId, headers, payload: Buffer.from(bytes.subarray(headersEnd, end)), timeoutMs };
}

export function writeAnswer(out: FrameWriter, number: number, answer: CallAnswer): void {
  out.begin(FrameType.answer);
  out.u32(number);
  out.u16(answer.ok ? 0 : statusOf(answer.code));
  if (answer.ok) out.bytes(answer.body);
  else out.text(answer.message);
  out.end();
}

/** The code may be a replier's, who may have written anything; 0 would say that all went well. */
function statusOf(code: number): number {
  return Number.isInteger(code) && code > 0 && code <= 0xffff ? code : 500;
}
