// A publish or a request of a handler, and its answer, as they cross the boundary.

import type { CallAnswer, HandlerCall, Later, PlaceTogether } from "../message/handler-call.ts";
import { callIdOf, messageIdOf } from "../message/message-id.ts";
import { FrameType, type FrameWriter, readU53 } from "./protocol.ts";

/** Who calls: what makes of the numbers of a delivery an id. */
export interface Caller {
  readonly handler: string;
  readonly idPrefixes: readonly string[];
  /** Aborts when the worker has ended. */
  readonly gone: AbortSignal;
}

/** Requests of one worker at a time, however little it runs at a time. */
const MOST_REQUESTS = 1_024;
/** Bytes of them; a single larger one goes alone. */
export const MOST_REQUEST_BYTES = 8 * 1024 * 1024;

/** How many requests of one worker may be under way; further ones wait in its process. */
export function mostRequests(concurrency: number): number {
  return Math.max(MOST_REQUESTS, concurrency);
}

/** Publishes that are carried out together: an atomic batch has at most 1,000 messages, and one is its mark (publish/atomic-outputs.ts). */
export const MOST_TOGETHER = 999;

/** Whether a time or a delay, and its milliseconds: after the number of a publish that is to leave later. */
const LATER_BYTES = 9;
/** The delivery, and how many are carried out together: after the number of such a publish. */
const TOGETHER_BYTES = 8;
/** Number, timeout, sequence, time of storage, origin, again, count and the subject's length come before it. */
const SUBJECT_AT = 32;

class ReceivedCall implements HandlerCall {
  readonly kind: "publish" | "request";
  readonly subject: string;
  readonly headers: Uint8Array;
  readonly payload: Uint8Array;
  readonly timeoutMs: number;
  readonly again: boolean;
  readonly later: Later | undefined;
  readonly isBrief: boolean;
  readonly together: PlaceTogether | undefined;
  private readonly caller: Caller;
  private readonly seq: number;
  private readonly origin: number;
  /** 0: no stream holds the message that is handled. */
  private readonly storedAtMs: number;
  private readonly count: number;

  constructor(type: number, caller: Caller, bytes: Buffer, frameStart: number, end: number, together?: PlaceTogether) {
    const isLater = type === FrameType.publishLater;
    const start = frameStart + bytesBefore(type);
    const subjectEnd = start + SUBJECT_AT + bytes.readUInt16BE(start + SUBJECT_AT - 2);
    const headersStart = subjectEnd + 4;
    const headersEnd = headersStart + bytes.readUInt32BE(subjectEnd);
    if (headersEnd > end) throw new RangeError("a call longer than its frame");
    this.kind = type === FrameType.request ? "request" : "publish";
    this.later = isLater ? readLater(bytes, frameStart + 4) : undefined;
    this.isBrief = type === FrameType.publishBriefly;
    this.together = together;
    this.timeoutMs = bytes.readUInt32BE(start + 4);
    this.seq = readU53(bytes, start + 8);
    this.storedAtMs = readU53(bytes, start + 16);
    this.origin = bytes[start + 24]!;
    this.again = bytes[start + 25] === 1;
    this.count = bytes.readUInt32BE(start + 26);
    this.subject = bytes.toString("latin1", start + SUBJECT_AT, subjectEnd);
    this.headers = bytes.subarray(headersStart, headersEnd);
    this.payload = bytes.subarray(headersEnd, end);
    this.caller = caller;
  }

  get handler(): string {
    return this.caller.handler;
  }

  get gone(): AbortSignal {
    return this.caller.gone;
  }

  /** Made when asked for: core NATS has no use for it. */
  get messageId(): string {
    const { seq, origin, storedAtMs, count, subject } = this;
    const { handler, idPrefixes } = this.caller;
    // A worker says where its message came from: what it says wrongly is no other message's id.
    const idPrefix = idPrefixes[origin] ?? `${idPrefixes[0]}${origin}:`;
    return callIdOf(handler, messageIdOf(idPrefix, seq, storedAtMs || undefined), count, subject);
  }
}

/** After the number of the call. */
export function writeLater(out: FrameWriter, later: Later): void {
  out.u8(later.kind === "at" ? 1 : 0);
  out.u53(later.kind === "at" ? later.atMs : later.delayMs);
}

function readLater(bytes: Buffer, at: number): Later {
  const ms = readU53(bytes, at + 1);
  return bytes[at] === 1 ? { kind: "at", atMs: ms } : { kind: "delay", delayMs: ms };
}

/** What comes between the number of a call and the rest. */
function bytesBefore(type: number): number {
  if (type === FrameType.publishTogether) return TOGETHER_BYTES;
  return type === FrameType.publishLater ? LATER_BYTES : 0;
}

/** After the number of the call. `count`: of those that the delivery publishes. */
export function writeTogether(out: FrameWriter, deliveryId: number, count: number): void {
  out.u32(deliveryId);
  out.u32(count);
}

/** Throws a RangeError for a number that no worker of ours says. */
export function readTogether(
  bytes: Buffer,
  frameStart: number,
): { readonly deliveryId: number; readonly count: number } {
  const count = bytes.readUInt32BE(frameStart + 8);
  if (count === 0 || count > MOST_TOGETHER) throw new RangeError(`${count} publishes together`);
  return { deliveryId: bytes.readUInt32BE(frameStart + 4), count };
}

/** Its bytes are those of the frame. Throws a RangeError when the frame is shorter than it says. */
export function readCall(
  type: number,
  caller: Caller,
  bytes: Buffer,
  start: number,
  end: number,
  together?: PlaceTogether,
): HandlerCall {
  return new ReceivedCall(type, caller, bytes, start, end, together);
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
