// Sees that what a handler publishes into streams is not stored: a full disk or stream, or JetStream out of order.
//
// W1  A publish that the stream refuses, or that is not confirmed, is a failed write; so is one that has waited long.
// W2  A hold ends with the next message stored under that subject, or when none has failed for a while: nobody tries then.

import type { Clock, Timer } from "../clock.ts";
import type { Emit } from "../events.ts";
import type { Call, CallAnswer, HandlerCall } from "../message/handler-call.ts";
import type { Hold, HoldBoard } from "../message/hold.ts";
import { Holds } from "./holds.ts";

const TICK_MS = 1_000;
const LONG_MS = 6_000;
const LAPSE_MS = 8_000;
/** `CallAnswer` codes: the stream refuses it, or does not confirm it. */
const NOT_STORED: ReadonlySet<number> = new Set([507, 504]);
/** JetStream's: beyond the stream's max_msg_size, which is the message's own fault. */
const TOO_LARGE = 10054;

interface Write {
  readonly subject: string;
  readonly sinceMs: number;
}

export class WriteWatch {
  private readonly board: HoldBoard;
  private readonly clock: Clock;
  /** In the order they were begun. */
  private readonly waiting = new Set<Write>();
  /** When a write under the subject failed last. */
  private readonly failing = new Map<string, number>();
  private ticking: Timer | undefined;

  constructor(board: HoldBoard, clock: Clock) {
    this.board = board;
    this.clock = clock;
  }

  /** The same calls, looked at. What is answered at once is not stored anywhere, and costs nothing here. */
  around(call: Call): Call {
    return (made) => {
      const answer = call(made);
      return made.kind === "publish" && answer instanceof Promise ? this.follow(made, answer) : answer;
    };
  }

  private async follow({ subject }: HandlerCall, answer: Promise<CallAnswer>): Promise<CallAnswer> {
    const write = { subject, sinceMs: this.clock.monotonicMs() };
    this.waiting.add(write);
    this.ticking ??= this.clock.every(TICK_MS, () => this.tick());
    const done = await answer;
    this.waiting.delete(write);
    if (done.ok) this.stored(subject);
    else if (NOT_STORED.has(done.code) && done.streamCode !== TOO_LARGE) this.failed(subject, done.message);
    return done;
  }

  private failed(subject: string, text: string): void {
    this.failing.set(subject, this.clock.monotonicMs());
    this.board.begin({
      reason: "writes-refused",
      text,
      remedy: "Look at the stream's limits, and at the disk and the log of the NATS server.",
    });
  }

  private stored(subject: string): void {
    if (this.failing.delete(subject) && this.failing.size === 0) this.board.end("writes-refused");
  }

  private tick(): void {
    const nowMs = this.clock.monotonicMs();
    const [oldest] = this.waiting;
    if (oldest !== undefined && nowMs - oldest.sinceMs >= LONG_MS) {
      const { subject, sinceMs } = oldest;
      const waitedMs = Math.floor((nowMs - sinceMs) / 1_000);
      this.failed(subject, `publish to "${subject}" has waited ${waitedMs} s to be stored: the server takes no writes`);
    }
    for (const [subject, atMs] of this.failing) if (nowMs - atMs >= LAPSE_MS) this.failing.delete(subject);
    if (this.failing.size > 0) return;
    this.board.end("writes-refused");
    if (this.waiting.size > 0) return;
    this.ticking?.cancel();
    this.ticking = undefined;
  }
}

/** Those of all handlers. A handler's outlives its versions: what one could not store, the next cannot either. */
export class WriteWatches {
  private readonly clock: Clock;
  private readonly emit: Emit;
  private readonly byHandler = new Map<string, { readonly holds: Holds; readonly watch: WriteWatch }>();

  constructor(clock: Clock, emit: Emit) {
    this.clock = clock;
    this.emit = emit;
  }

  around(handler: string, call: Call): Call {
    let known = this.byHandler.get(handler);
    if (known === undefined) {
      const holds = new Holds(handler, this.clock, this.emit);
      known = { holds, watch: new WriteWatch(holds, this.clock) };
      this.byHandler.set(handler, known);
    }
    return known.watch.around(call);
  }

  holdsOf(handler: string): readonly Hold[] {
    return this.byHandler.get(handler)?.holds.all ?? [];
  }
}
