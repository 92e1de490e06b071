// In place of a worker's socket: what a handler sends is read from its frames at once, in the same process, so that nothing
// is carried here that a frame would not carry.

import type { CallAnswer, HandlerCall } from "../message/handler-call.ts";
import { lasting } from "../message/handler-call.ts";
import type { CarryAsk, ScheduleCall } from "../message/schedule-call.ts";
import type { StoreCall } from "../message/store-call.ts";
import { type Caller, readCall } from "../wire/call-frame.ts";
import type { LogRecord } from "../wire/log-record.ts";
import { FrameReader, FrameType, FrameWriter } from "../wire/protocol.ts";
import { readStoreCall, storeAnswerBody } from "../wire/store-frame.ts";
import type { ContextLink, PendingCall } from "../worker/link.ts";

/** The other side of the boundary. */
export interface LoopbackEnd {
  /** Never rejects. */
  call(call: HandlerCall): Promise<CallAnswer>;
  readonly store: CarryAsk;
  log(record: LogRecord): void;
}

export class LoopbackLink implements ContextLink {
  private readonly out = new FrameWriter();
  private readonly reader: FrameReader;
  private readonly end: LoopbackEnd;
  private readonly pending = new Map<number, PendingCall>();
  private nextCall = 1;

  constructor(caller: Caller, end: LoopbackEnd) {
    this.end = end;
    this.reader = new FrameReader((type, bytes, start, stop) => {
      const number = bytes.readUInt32BE(start);
      if (type === FrameType.store)
        return void this.answerStore(number, readStoreCall(caller.handler, bytes, start, stop));
      void this.answer(number, lasting(readCall(type, caller, bytes, start, stop)));
    });
  }

  call(pending: PendingCall): FrameWriter {
    const number = this.nextCall++;
    this.pending.set(number, pending);
    this.out.begin(pending.type);
    this.out.u32(number);
    return this.out;
  }

  /** A test hears how each publish ends. */
  publishUnanswered(): undefined {
    return undefined;
  }

  async written(): Promise<void> {}

  schedule(): void {
    this.out.flush((batch) => {
      this.reader.push(batch);
      return true;
    });
  }

  sendJson(type: number, json: string): void {
    if (type === FrameType.log) this.end.log(JSON.parse(json) as LogRecord);
  }

  private async answerStore(number: number, call: StoreCall | ScheduleCall): Promise<void> {
    const answer = await this.end.store({ ...call, value: Buffer.from(call.value) });
    this.ended(number, answer.ok ? { ok: true, body: storeAnswerBody(answer) } : answer);
  }

  private async answer(number: number, call: HandlerCall): Promise<void> {
    this.ended(number, await this.end.call(call));
  }

  private ended(number: number, answer: CallAnswer): void {
    const pending = this.pending.get(number);
    this.pending.delete(number);
    if (answer.ok) pending?.answered(Buffer.from(answer.body));
    else pending?.refused(Object.assign(new Error(answer.message), { code: answer.code }));
  }
}
