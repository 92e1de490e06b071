// What one worker publishes and requests: read from its frames, carried out, and answered.
//
// A worker that publishes faster than the server takes it is not to be read for a while: its messages wait in its process.

import type { Call, CallAnswer } from "../deliver/handler-call.ts";
import { type Caller, readCall, writeAnswer } from "./call-frame.ts";
import type { Intake } from "./intake.ts";
import { FrameType, type FrameWriter } from "./protocol.ts";
import type { Turns } from "./turns.ts";

const MOST_UNANSWERED_BYTES = 1024 * 1024;

export interface CallsOwner {
  readonly out: FrameWriter;
  /** An answer is in `out`, or will be with `close`. */
  answered(): void;
  readonly intake: Pick<Intake, "hold" | "release">;
  readonly turns: Turns;
}

export class WorkerCalls {
  private readonly owner: CallsOwner;
  private readonly caller: Caller;
  private readonly call: Call;
  private unansweredBytes = 0;
  private isHolding = false;
  /** Those that went well, from this number on, and have not been told so yet. */
  private takenFirst = 0;
  private takenCount = 0;

  constructor(owner: CallsOwner, caller: Caller, call: Call) {
    this.owner = owner;
    this.caller = caller;
    this.call = call;
  }

  /** A frame has come. Throws a RangeError when it is shorter than it says. */
  onFrame(type: number, bytes: Buffer, start: number, end: number): void {
    const number = bytes.readUInt32BE(start);
    const isPublish = type === FrameType.publish;
    if (isPublish) this.owner.turns.published(end - start);
    const answer = this.call(readCall(type, this.caller, bytes, start, end));
    if (!(answer instanceof Promise)) return this.answer(number, answer);
    // A request may wait for this very worker, so it is not counted.
    void this.answerLater(number, answer, isPublish ? end - start : 0);
  }

  /** Write what is left to tell. To be called before a batch leaves. */
  close(): void {
    if (this.takenCount === 0) return;
    const { out } = this.owner;
    out.begin(FrameType.taken);
    out.u32(this.takenFirst);
    out.u32(this.takenCount);
    out.end();
    this.takenCount = 0;
  }

  private async answerLater(number: number, answering: Promise<CallAnswer>, bytes: number): Promise<void> {
    this.unansweredBytes += bytes;
    if (!this.isHolding && this.unansweredBytes > MOST_UNANSWERED_BYTES) this.holdIntake(true);
    const answer = await answering;
    this.unansweredBytes -= bytes;
    if (this.isHolding && this.unansweredBytes <= MOST_UNANSWERED_BYTES / 2) this.holdIntake(false);
    this.answer(number, answer);
  }

  private holdIntake(holds: boolean): void {
    this.isHolding = holds;
    if (holds) this.owner.intake.hold();
    else this.owner.intake.release();
  }

  private answer(number: number, answer: CallAnswer): void {
    if (!answer.ok || answer.body.length > 0) writeAnswer(this.owner.out, number, answer);
    else this.taken(number);
    this.owner.answered();
  }

  /** Runs of consecutive numbers leave as one frame. */
  private taken(number: number): void {
    if (this.takenCount > 0 && number === (this.takenFirst + this.takenCount) >>> 0) {
      this.takenCount++;
      return;
    }
    this.close();
    this.takenFirst = number;
    this.takenCount = 1;
  }
}
