// How deliveries end that have published without waiting for an answer (C4 of worker-calls.ts): not before what they published
// has left, and badly where it could not. Of others it says at once what it is told.

import type { CallAnswer } from "../message/handler-call.ts";
import { isFailure, type Outcome, RETURNED, type WorkerExit } from "../message/outcome.ts";
import { isUnavailable, UNAVAILABLE } from "../message/unavailable.ts";
import type { WorkerEvents } from "../message/worker-port.ts";

type Refusal = Extract<CallAnswer, { ok: false }>;

interface Kept {
  /** Publishes that have not left. */
  open: number;
  refusal: Refusal | undefined;
  outcome: Outcome | undefined;
}

const WORKER_ENDED: Refusal = {
  ok: false,
  code: 503,
  message: "the worker ended while what it had published was waiting to be sent",
};

export class HeldOutcomes implements Required<WorkerEvents> {
  private readonly events: WorkerEvents;
  private readonly kept = new Map<number, Kept>();

  constructor(events: WorkerEvents) {
    this.events = events;
  }

  /** The delivery has published something that has not left at once. Never rejects. */
  async keep(id: number, answering: CallAnswer | Promise<CallAnswer>): Promise<void> {
    const kept = this.kept.get(id) ?? { open: 0, refusal: undefined, outcome: undefined };
    kept.open++;
    this.kept.set(id, kept);
    const answer = await answering;
    kept.open--;
    if (!answer.ok) kept.refusal ??= answer;
    this.settle(id, kept);
  }

  done(firstId: number, count: number): void {
    if (this.kept.size === 0) return this.events.done(firstId, count);
    for (let at = 0; at < count; at++) this.end((firstId + at) >>> 0, RETURNED);
  }

  ended(id: number, outcome: Outcome): void {
    if (this.kept.size === 0) this.events.ended(id, outcome);
    else this.end(id, outcome);
  }

  named(id: number, at: number, outcome: Outcome): void {
    this.events.named?.(id, at, outcome);
  }

  deferred(id: number, leaseMs: number): void {
    this.events.deferred?.(id, leaseMs);
  }

  chunk(id: number, data: Uint8Array): void {
    this.events.chunk(id, data);
  }

  held(id: number): void {
    this.events.held(id);
  }

  begun(id: number): void {
    this.events.begun(id);
  }

  alive(): void {
    this.events.alive();
  }

  exited(exit: WorkerExit): void {
    // What another handler's end has cut off has not ended: it runs again.
    for (const [id, kept] of exit.dueTo === undefined ? this.kept : []) {
      kept.refusal ??= WORKER_ENDED;
      kept.open = 0;
      this.settle(id, kept);
    }
    this.kept.clear();
    this.events.exited(exit);
  }

  private end(id: number, outcome: Outcome): void {
    const kept = this.kept.get(id);
    if (kept === undefined) return this.tell(id, outcome);
    kept.outcome = outcome;
    this.settle(id, kept);
  }

  private settle(id: number, { open, refusal, outcome }: Kept): void {
    if (open > 0) return;
    // What has left before its delivery has ended leaves nothing to remember.
    if (outcome === undefined && refusal !== undefined) return;
    if (!this.kept.delete(id) || outcome === undefined) return;
    this.tell(id, refusal !== undefined && !isFailure(outcome) ? failureOf(refusal) : outcome);
  }

  private tell(id: number, outcome: Outcome): void {
    if (outcome === RETURNED) this.events.done(id, 1);
    else this.events.ended(id, outcome);
  }
}

/** As if the handler had not looked at how its publish ends. */
function failureOf({ code, message }: Refusal): Outcome {
  const name = isUnavailable(code) ? UNAVAILABLE : "Error";
  return { kind: "threw", error: { name, message, code, stack: `${name}: ${message}` } };
}
