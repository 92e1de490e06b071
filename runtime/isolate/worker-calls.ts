// What one worker publishes and requests: read from its frames, carried out, and answered.
//
// C1  A worker that publishes faster than the server takes it is not to be read for a while: its messages wait in its
//     process.
// C2  A request may wait for this very worker, so it holds up nothing: the worker keeps to a number of them at a time
//     (worker/request-turns.ts), and one that does not is refused them.
// C3  Its requests end with it: nobody is there to be answered.
// C4  Where a publish is only handed to the connection (P8 of publish/publisher.ts) the worker is told that it need not wait for
//     answers to its like. What it then publishes and cannot leave at once holds up how its delivery ends (held-outcomes.ts).
// C5  What a run publishes together comes in one go, when it has returned, and is bounded in the worker (worker/kept-outputs.ts): it is
//     read to its end, whatever waits. Where the worker ends in the middle of it, it comes to nothing.

import type { Call, CallAnswer } from "../message/handler-call.ts";
import { Together } from "../message/together.ts";
import { firstTokenOf } from "../metadata/subject.ts";
import { type Caller, mostRequests, readCall, readTogether, writeAnswer } from "../wire/call-frame.ts";
import { FrameType } from "../wire/protocol.ts";
import type { FloodTurns } from "./flood-turns.ts";
import type { FramesOut } from "./frames-out.ts";
import type { HeldOutcomes } from "./held-outcomes.ts";
import type { SocketReader } from "./socket-reader.ts";

const MOST_UNANSWERED_BYTES = 1024 * 1024;
/** A handler that publishes to more first tokens than this waits for its answers. */
const MOST_UNANSWERED_TOKENS = 1_000;

export interface CallsOwner {
  readonly out: Pick<FramesOut, "writer" | "schedule">;
  readonly reader: Pick<SocketReader, "hold" | "release">;
  readonly floodTurns: Pick<FloodTurns, "published">;
  readonly outcomes: Pick<HeldOutcomes, "keep">;
}

export class WorkerCalls {
  private readonly owner: CallsOwner;
  private readonly caller: Caller;
  private readonly mostRequests: number;
  private readonly call: Call;
  private readonly gone = new AbortController();
  private unansweredBytes = 0;
  private requests = 0;
  private isHolding = false;
  /** Those that went well, from this number on, and have not been told so yet. */
  private takenFirst = 0;
  private takenCount = 0;
  /** C4: first tokens of subjects. */
  private readonly unanswered = new Set<string>();
  /** C5: by the delivery. */
  private readonly together = new Map<number, Together>();

  constructor(
    owner: CallsOwner,
    caller: Omit<Caller, "gone">,
    { concurrency }: { readonly concurrency: number },
    call: Call,
  ) {
    this.owner = owner;
    this.caller = { ...caller, gone: this.gone.signal };
    this.mostRequests = mostRequests(concurrency);
    this.call = call;
  }

  /** A frame has come. Throws a RangeError when it is shorter than it says. */
  onFrame(type: number, bytes: Buffer, start: number, end: number): void {
    const number = bytes.readUInt32BE(start);
    const isPublish = type !== FrameType.request;
    if (isPublish) this.owner.floodTurns.published(end - start);
    else if (this.requests >= this.mostRequests) return this.answer(number, tooMany(this.mostRequests));
    if (type === FrameType.publishTogether) return this.onTogether(number, bytes, start, end);
    const call = readCall(type, this.caller, bytes, start, end);
    const answer = this.call(call);
    if (type === FrameType.publishUnanswered) return this.published(number, answer, end - start);
    if (!(answer instanceof Promise)) return this.answerFor(number, call.subject, answer);
    void (isPublish
      ? this.answerPublish(number, call.subject, answer, end - start)
      : this.answerRequest(number, answer));
  }

  /** Write what is left to tell. To be called before a batch leaves. */
  close(): void {
    if (this.takenCount === 0) return;
    const { writer } = this.owner.out;
    writer.begin(FrameType.taken);
    writer.u32(this.takenFirst);
    writer.u32(this.takenCount);
    writer.end();
    this.takenCount = 0;
  }

  /** C3, C5: the worker has ended. */
  end(): void {
    this.gone.abort();
    for (const together of this.together.values()) together.giveUp(ENDED);
    this.together.clear();
  }

  /** C5. */
  private onTogether(number: number, bytes: Buffer, start: number, end: number): void {
    const { deliveryId, count } = readTogether(bytes, start);
    const together = this.together.get(deliveryId) ?? new Together(count);
    const place = together.place();
    if (together.isFull) this.together.delete(deliveryId);
    else this.together.set(deliveryId, together);
    const call = readCall(FrameType.publishTogether, this.caller, bytes, start, end, place);
    void this.answerTogether(number, together, this.call(call));
  }

  private async answerTogether(
    number: number,
    together: Together,
    answering: CallAnswer | Promise<CallAnswer>,
  ): Promise<void> {
    const answer = await answering;
    if (!answer.ok) together.giveUp(answer);
    this.answer(number, answer);
  }

  private answerFor(number: number, subject: string, answer: CallAnswer): void {
    if (answer.ok && answer.restUnanswered === true) this.leaveUnanswered(subject);
    this.answer(number, answer);
  }

  /** C4. */
  private leaveUnanswered(subject: string): void {
    const token = firstTokenOf(subject);
    if (this.unanswered.has(token) || this.unanswered.size >= MOST_UNANSWERED_TOKENS) return;
    this.unanswered.add(token);
    this.tellUnanswered(token);
  }

  private tellUnanswered(token: string): void {
    const { writer } = this.owner.out;
    writer.begin(FrameType.unanswered);
    writer.text(token);
    writer.end();
    this.owner.out.schedule();
  }

  /** C4. */
  private published(id: number, answer: CallAnswer | Promise<CallAnswer>, bytes: number): void {
    if (answer instanceof Promise) {
      const answering = this.withinBounds(answer, bytes);
      void answering.then((late) => this.checkUnanswered(late));
      void this.owner.outcomes.keep(id, answering);
    } else {
      this.checkUnanswered(answer);
      if (!answer.ok) void this.owner.outcomes.keep(id, answer);
    }
  }

  /** Where something is not as it was, each is answered again: there is no connection, or a stream that takes it. */
  private checkUnanswered(answer: CallAnswer): void {
    if (this.unanswered.size === 0 || (answer.ok && answer.restUnanswered === true)) return;
    this.unanswered.clear();
    this.tellUnanswered("");
  }

  private async answerPublish(
    number: number,
    subject: string,
    answering: Promise<CallAnswer>,
    bytes: number,
  ): Promise<void> {
    this.answerFor(number, subject, await this.withinBounds(answering, bytes));
  }

  /** C1. */
  private async withinBounds(answering: Promise<CallAnswer>, bytes: number): Promise<CallAnswer> {
    this.unansweredBytes += bytes;
    if (!this.isHolding && this.unansweredBytes > MOST_UNANSWERED_BYTES) this.holdIntake(true);
    const answer = await answering;
    this.unansweredBytes -= bytes;
    if (this.isHolding && this.unansweredBytes <= MOST_UNANSWERED_BYTES / 2) this.holdIntake(false);
    return answer;
  }

  /** C2. */
  private async answerRequest(number: number, answering: Promise<CallAnswer>): Promise<void> {
    this.requests++;
    const answer = await answering;
    this.requests--;
    this.answer(number, answer);
  }

  private holdIntake(holds: boolean): void {
    this.isHolding = holds;
    if (holds) this.owner.reader.hold();
    else this.owner.reader.release();
  }

  private answer(number: number, answer: CallAnswer): void {
    if (this.gone.signal.aborted) return;
    if (!answer.ok || answer.body.length > 0) writeAnswer(this.owner.out.writer, number, answer);
    else this.taken(number);
    this.owner.out.schedule();
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

const ENDED: Extract<CallAnswer, { ok: false }> = {
  ok: false,
  code: 503,
  message: "the worker ended before it had handed over all that its function published",
};

function tooMany(most: number): CallAnswer {
  return { ok: false, code: 429, message: `more than ${most} requests of one worker at a time` };
}
