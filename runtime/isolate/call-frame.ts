// A publish or a request of a handler, and its answer, as they cross the boundary.

import type { CallAnswer, HandlerCall } from "../deliver/handler-call.ts";
import { FrameType, type FrameWriter, readU53 } from "./protocol.ts";

/** Who calls: what makes the number of a delivery an id for the whole world. */
export interface Caller {
  readonly handler: string;
  readonly idPrefix: string;
}

class ReceivedCall implements HandlerCall {
  readonly kind: "publish" | "request";
  readonly subject: string;
  readonly headers: Uint8Array;
  readonly payload: Uint8Array;
  readonly timeoutMs: number;
  private readonly caller: Caller;
  private readonly seq: number;
  private readonly count: number;

  constructor(type: number, caller: Caller, bytes: Buffer, start: number, end: number) {
    const subjectEnd = start + 22 + bytes.readUInt16BE(start + 20);
    const headersStart = subjectEnd + 4;
    const headersEnd = headersStart + bytes.readUInt32BE(subjectEnd);
    if (headersEnd > end) throw new RangeError("a call longer than its frame");
    this.kind = type === FrameType.publish ? "publish" : "request";
    this.timeoutMs = bytes.readUInt32BE(start + 4);
    this.seq = readU53(bytes, start + 8);
    this.count = bytes.readUInt32BE(start + 16);
    this.subject = bytes.toString("latin1", start + 22, subjectEnd);
    this.headers = bytes.subarray(headersStart, headersEnd);
    this.payload = bytes.subarray(headersEnd, end);
    this.caller = caller;
  }

  /** Made when asked for: core NATS has no use for it. */
  get messageId(): string {
    return `${this.caller.idPrefix}${this.seq}:${this.caller.handler}:${this.count}`;
  }
}

/** Its bytes are those of the frame. Throws a RangeError when the frame is shorter than it says. */
export function readCall(type: number, caller: Caller, bytes: Buffer, start: number, end: number): HandlerCall {
  return new ReceivedCall(type, caller, bytes, start, end);
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
