// What a handler asks of a bucket or of its schedules, and its answer, as they cross the boundary: JSON, and the bytes of a value behind it.

import type { ScheduleAsk, ScheduleCall } from "../message/schedule-call.ts";
import type { StoreAnswer, StoreAsk, StoreCall, StoreResult } from "../message/store-call.ts";
import { writeAnswer } from "./call-frame.ts";
import { type FrameWriter, jsonBody } from "./protocol.ts";

/** The largest value: what a frame holds, with room for the rest of it. */
export const MOST_VALUE_BYTES = 64 * 1024 ** 2;

const NOTHING = Buffer.alloc(0);

/** After the number of the call. */
export function writeStoreAsk(
  out: FrameWriter,
  timeoutMs: number,
  ask: StoreAsk | ScheduleAsk,
  value: Uint8Array,
): void {
  out.u32(timeoutMs);
  out.block(Buffer.from(JSON.stringify(ask), "utf8"));
  out.bytes(value);
}

/** Its bytes are those of the frame. Throws for what no worker of ours would say. */
export function readStoreCall(handler: string, bytes: Buffer, start: number, end: number): StoreCall | ScheduleCall {
  const { json, rest } = splitAt(bytes, start + 8, end);
  return {
    ...(json as StoreAsk | ScheduleAsk),
    handler,
    timeoutMs: bytes.readUInt32BE(start + 4),
    value: bytes.subarray(rest, end),
  };
}

export function writeStoreAnswer(out: FrameWriter, number: number, answer: StoreAnswer): void {
  if (!answer.ok) return writeAnswer(out, number, answer);
  writeAnswer(out, number, { ok: true, body: storeAnswerBody(answer) });
}

export function storeAnswerBody({ result, value = NOTHING }: Extract<StoreAnswer, { ok: true }>): Buffer {
  const json = Buffer.from(JSON.stringify(result), "utf8");
  const length = Buffer.allocUnsafe(4);
  length.writeUInt32BE(json.length);
  return Buffer.concat([length, json, value]);
}

export function readStoreAnswer(body: Buffer): { readonly result: StoreResult; readonly value: Uint8Array } {
  const { json, rest } = splitAt(body, 0, body.length);
  return { result: json as StoreResult, value: body.subarray(rest) };
}

function splitAt(bytes: Buffer, at: number, end: number): { readonly json: unknown; readonly rest: number } {
  const rest = at + 4 + bytes.readUInt32BE(at);
  if (rest > end) throw new RangeError("a call longer than its frame");
  return { json: jsonBody(bytes, at + 4, rest), rest };
}
