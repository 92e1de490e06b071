// The worker's end of the socket: batches what goes out, and matches answers to the calls that wait for them.

import type { Socket } from "node:net";
import { firstTokenOf } from "../metadata/subject.ts";
import { directWrite } from "../wire/direct-write.ts";
import { FrameType, FrameWriter, WORKER_SOCKET_FD } from "../wire/protocol.ts";

/** What waits for the answer to a call. */
export interface PendingCall {
  /** Of the frame that makes the call. */
  readonly type: number;
  answered(body: Buffer): void;
  refused(error: Error & { readonly code?: number }): void;
}

/** What a message's context sends by. */
export type ContextLink = Pick<Link, "call" | "publishUnanswered" | "schedule" | "sendJson" | "written">;

const FLUSH_AT_BYTES = 256 * 1024;
const NOTHING = Buffer.alloc(0);
const WRITTEN = Promise.resolve();

export class Link {
  readonly out: FrameWriter;
  private readonly socket: Socket;
  private readonly write: (batch: Buffer) => boolean;
  private readonly calls = new Map<number, PendingCall>();
  /** First tokens of subjects. */
  private readonly unanswered = new Set<string>();
  private nextCall = 1;
  private scheduled = false;
  private isHeld = false;
  private writing: PromiseWithResolvers<void> | undefined;
  private doneFirst = 0;
  private doneCount = 0;

  /** `opening`: with what each batch begins. */
  constructor(socket: Socket, opening?: Uint8Array) {
    this.out = new FrameWriter(undefined, opening);
    this.socket = socket;
    this.write = directWrite(socket, WORKER_SOCKET_FD);
  }

  /** Record that a delivery returned without a reply. Runs of consecutive ids leave as one frame. */
  done(id: number): void {
    if (this.doneCount > 0 && id === (this.doneFirst + this.doneCount) >>> 0) {
      this.doneCount++;
      return;
    }
    this.closeRun();
    this.doneFirst = id;
    this.doneCount = 1;
  }

  /** Begin a frame that leaves with the next batch. */
  begin(type: number): FrameWriter {
    this.closeRun();
    this.out.begin(type);
    return this.out;
  }

  send(type: number, value: unknown): void {
    this.sendJson(type, JSON.stringify(value));
  }

  /** As `send`, of a value that is JSON already. */
  sendJson(type: number, json: string): void {
    this.closeRun();
    this.out.jsonText(type, json);
    this.schedule();
  }

  /** What is published to subjects of that first token needs no answer. Empty: all does again. */
  leaveUnanswered(token: string): void {
    if (token === "") this.unanswered.clear();
    else this.unanswered.add(token);
  }

  /** Begin the frame of a publish that is not answered, made by that delivery. Undefined: one to that subject is. */
  publishUnanswered(deliveryId: number, subject: string): FrameWriter | undefined {
    if (this.unanswered.size === 0 || !this.unanswered.has(firstTokenOf(subject))) return undefined;
    const frame = this.begin(FrameType.publishUnanswered);
    frame.u32(deliveryId);
    return frame;
  }

  /** Resolves when what has been begun is out of this process: whoever waits for that may block it then. */
  written(): Promise<void> {
    // At `release`, before anybody can go on.
    if (this.isHeld) return WRITTEN;
    this.writing ??= Promise.withResolvers();
    return this.writing.promise;
  }

  /** Begin a frame that carries a call's number and is answered later. */
  call(pending: PendingCall): FrameWriter {
    const number = this.nextCall;
    this.nextCall = (this.nextCall + 1) >>> 0;
    this.calls.set(number, pending);
    const frame = this.begin(pending.type);
    frame.u32(number);
    return frame;
  }

  /** `status` 0: `body` is the result; else it is the message of an error. */
  answered(number: number, status: number, body: Buffer): void {
    const call = this.ended(number);
    if (status === 0) call?.answered(body);
    else call?.refused(Object.assign(new Error(body.toString("utf8")), { code: status }));
  }

  /** `count` calls from `first` on went well, and there is nothing to say of them. */
  taken(first: number, count: number): void {
    for (let at = 0; at < count; at++) this.ended((first + at) >>> 0)?.answered(NOTHING);
  }

  private ended(number: number): PendingCall | undefined {
    const call = this.calls.get(number);
    this.calls.delete(number);
    return call;
  }

  /** Send in one batch what `work` makes. */
  together(work: () => void): void {
    this.hold();
    work();
    this.release();
  }

  /** Send what comes in one batch, at `release`. */
  hold(): void {
    this.isHeld = true;
  }

  release(): void {
    this.isHeld = false;
    this.flush();
  }

  /** Send the batch at the end of this turn of the event loop. */
  schedule(): void {
    if (this.out.pendingBytes > FLUSH_AT_BYTES) return this.flush();
    if (this.isHeld || this.scheduled) return;
    this.scheduled = true;
    setImmediate(() => {
      this.scheduled = false;
      this.flush();
    });
  }

  flush(): void {
    this.closeRun();
    this.out.flush(this.write);
    this.writing?.resolve();
    this.writing = undefined;
  }

  /** Resolves when little enough is waiting to be written. */
  async drained(): Promise<void> {
    if (this.socket.writableLength < FLUSH_AT_BYTES) return;
    await new Promise<void>((resolve) => this.socket.once("drain", resolve));
  }

  private closeRun(): void {
    if (this.doneCount === 0) return;
    this.out.begin(FrameType.done);
    this.out.u32(this.doneFirst);
    this.out.u32(this.doneCount);
    this.out.end();
    this.doneCount = 0;
  }
}
