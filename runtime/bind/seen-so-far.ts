// How far a consumer has come that is one replica's own: should it be lost, the next one begins there. The server hands messages
// out in their order, so all before the last one that came have come, and those of them that are not open are done with.
//
// With the last message of each subject it begins with a list of them. Until one comes that was stored since, it may not have come to the
// end of the list: nothing is known, the next one begins as this one did, and the last ones run again.

import type { StartFrom } from "../metadata/handler-metadata.ts";

export interface SeenMessage {
  readonly streamSequence: number;
  readonly storedAtMs: number;
}

export class SeenSoFar {
  private readonly begun: StartFrom;
  private readonly madeAtMs: number;
  /** Those that came and are not done with, retries included, by their number: when they were stored. */
  private readonly open = new Map<number, number>();
  private last: SeenMessage | undefined;
  private isInOrder: boolean;

  /** @param madeAtMs when its first consumer was made, by the server's clock */
  constructor(begun: StartFrom, madeAtMs: number) {
    this.begun = begun;
    this.madeAtMs = madeAtMs;
    this.isInOrder = begun.kind !== "last";
  }

  /** It may still be at the list of the last ones. */
  get isFilling(): boolean {
    return !this.isInOrder;
  }

  came(message: SeenMessage): void {
    const { streamSequence, storedAtMs } = message;
    if (this.last === undefined || storedAtMs >= this.last.storedAtMs) this.last = message;
    this.open.set(streamSequence, storedAtMs);
    if (storedAtMs > this.madeAtMs) this.isInOrder = true;
  }

  done({ streamSequence, storedAtMs }: SeenMessage): void {
    if (this.open.get(streamSequence) === storedAtMs) this.open.delete(streamSequence);
  }

  /** Whether it came before and is done with. In a stream that was made anew messages are stored later. */
  isDone({ streamSequence, storedAtMs }: SeenMessage): boolean {
    if (this.last === undefined || !this.isInOrder || this.open.get(streamSequence) === storedAtMs) return false;
    return streamSequence <= this.last.streamSequence && storedAtMs <= this.last.storedAtMs;
  }

  /** A time of storage: in a stream that was made anew numbers begin again. Some come again, which `isDone`. */
  get from(): StartFrom {
    if (this.last === undefined || !this.isInOrder) return this.begun;
    let atMs = this.last.storedAtMs;
    for (const storedAtMs of this.open.values()) atMs = Math.min(atMs, storedAtMs);
    return { kind: "time", atMs };
  }
}
