// The messages of a worker whose function has returned, and that wait to be settled.

import type { Deferral } from "./deferral.ts";
import { outcomeOfThrown, type RunOutcome } from "./run-outcome.ts";

/** What is looked at of a message's context. */
export interface DeferredContext {
  readonly hasUnconfirmed: boolean;
  allConfirmed(): Promise<void>;
  abort(reason: Error): void;
}

export interface DeferredOwner {
  /** The function has returned: its slot is free. */
  deferred(frameId: number, leaseMs: number): void;
  /** How it has ended. */
  settled(frameId: number, outcome: RunOutcome): void;
}

interface DeferredRun {
  readonly context: DeferredContext;
  readonly deferral: Deferral;
}

export class DeferredRuns {
  private readonly owner: DeferredOwner;
  private readonly runs = new Map<number, DeferredRun>();

  constructor(owner: DeferredOwner) {
    this.owner = owner;
  }

  /** The function has returned. Its owner is told what becomes of it. */
  add(frameId: number, context: DeferredContext, deferral: Deferral): void {
    const run = { context, deferral };
    const ended = deferral.returned((outcome) => void this.settle(frameId, run, outcome));
    if (ended !== undefined) return this.owner.settled(frameId, ended);
    this.runs.set(frameId, run);
    this.owner.deferred(frameId, deferral.leaseMs);
  }

  /** Its lease has ended, or it is cancelled. Whether there is one of that number. */
  abort(frameId: number, reason: Error): boolean {
    const run = this.runs.get(frameId);
    if (run === undefined) return false;
    this.runs.delete(frameId);
    run.deferral.end();
    run.context.abort(reason);
    // Whatever it is called, it is settled by now: this says that the number is free.
    this.owner.settled(frameId, { kind: "returned", reply: undefined });
    return true;
  }

  abortAll(reason: Error): void {
    for (const { context } of this.runs.values()) context.abort(reason);
  }

  private async settle(frameId: number, run: DeferredRun, outcome: RunOutcome): Promise<void> {
    const ended = outcome.kind === "returned" ? await confirmed(run.context, outcome) : outcome;
    // Aborted meanwhile: the number may be another message's by now.
    if (this.runs.get(frameId) !== run) return;
    this.runs.delete(frameId);
    this.owner.settled(frameId, ended);
  }
}

/** What it has published is out, as at the end of a function. */
async function confirmed(context: DeferredContext, outcome: RunOutcome): Promise<RunOutcome> {
  if (!context.hasUnconfirmed) return outcome;
  try {
    await context.allConfirmed();
    return outcome;
  } catch (error) {
    return outcomeOfThrown(error);
  }
}
