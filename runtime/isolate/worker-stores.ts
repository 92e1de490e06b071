// What one worker asks of buckets: read from its frames, carried out, and answered. So many at a time, and no more: its
// process has them wait (worker/request-turns.ts), and one that does not is refused them.

import type { CarryAsk } from "../message/schedule-call.ts";
import type { StoreAnswer } from "../message/store-call.ts";
import { mostRequests } from "../wire/call-frame.ts";
import { readStoreCall, writeStoreAnswer } from "../wire/store-frame.ts";
import type { FramesOut } from "./frames-out.ts";

export interface StoresOwner {
  readonly out: Pick<FramesOut, "writer" | "schedule">;
  readonly handler: string;
  readonly concurrency: number;
}

export class WorkerStores {
  private readonly owner: StoresOwner;
  private readonly most: number;
  private readonly carryOut: CarryAsk;
  private open = 0;
  private isOver = false;

  constructor(owner: StoresOwner, carryOut: CarryAsk) {
    this.owner = owner;
    this.most = mostRequests(owner.concurrency);
    this.carryOut = carryOut;
  }

  /** A frame has come. Throws when it is none of ours. */
  onFrame(bytes: Buffer, start: number, end: number): void {
    const number = bytes.readUInt32BE(start);
    if (this.open >= this.most) return this.answer(number, tooMany(this.most));
    const call = readStoreCall(this.owner.handler, bytes, start, end);
    void this.ask(number, { ...call, value: Buffer.from(call.value) });
  }

  /** The worker has ended: nobody is there to be answered. */
  end(): void {
    this.isOver = true;
  }

  private async ask(number: number, call: Parameters<CarryAsk>[0]): Promise<void> {
    this.open++;
    const answer = await this.carryOut(call);
    this.open--;
    this.answer(number, answer);
  }

  private answer(number: number, answer: StoreAnswer): void {
    if (this.isOver) return;
    writeStoreAnswer(this.owner.out.writer, number, answer);
    this.owner.out.schedule();
  }
}

function tooMany(most: number): StoreAnswer {
  return { ok: false, code: 429, message: `more than ${most} calls of one worker to buckets at a time` };
}
