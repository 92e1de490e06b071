// `ctx.defer`: a message whose function returns before it is settled.
//
// E1  What is called first settles it: `done`, `fail`, or whoever ends it from outside. What comes after is told that it came late.
// E2  Settled before its function has returned, it ends with the function; what the function throws comes first.
// E3  So many of a process at a time, and no more: each is held here, by the runtime and by the server.

import type { DeferOptions, DeferredMessage } from "../../sdk/defer.ts";
import { parseDuration } from "../../sdk/duration.ts";
import { RETURNED } from "../message/outcome.ts";
import { preview } from "../wire/serialize-error.ts";
import { checkOptions } from "./call-options.ts";
import { outcomeOfThrown, type RunOutcome } from "./run-outcome.ts";

type State =
  | { readonly kind: "running" }
  /** The function has returned. */
  | { readonly kind: "waiting"; readonly settle: (outcome: RunOutcome) => void }
  /** E2. */
  | { readonly kind: "settled"; readonly outcome: RunOutcome }
  | { readonly kind: "over" };

const LEAST_MS = 1_000;
const MOST_MS = 86_400_000;
const MOST_OPEN = 1_000;
const DONE = RETURNED as RunOutcome;

/** E3. */
let open = 0;

export class Deferral {
  readonly leaseMs: number;
  readonly handle: DeferredMessage = {
    done: () => this.settle(DONE),
    fail: (error) => this.settle(outcomeOfThrown(error)),
  };
  private state: State = { kind: "running" };

  constructor(leaseMs: number) {
    this.leaseMs = leaseMs;
    open++;
  }

  /** The function has returned. Gives how the message has ended (E2), or nothing: then `settle` is called once, unless `end` is before. */
  returned(settle: (outcome: RunOutcome) => void): RunOutcome | undefined {
    if (this.state.kind === "settled") return this.state.outcome;
    this.state = { kind: "waiting", settle };
    return undefined;
  }

  /** It is ended by others. Calling twice is safe. */
  end(): void {
    this.leave();
    this.state = { kind: "over" };
  }

  private settle(outcome: RunOutcome): boolean {
    const { state } = this;
    if (state.kind === "settled" || state.kind === "over") return false;
    this.leave();
    this.state = state.kind === "running" ? { kind: "settled", outcome } : { kind: "over" };
    if (state.kind === "waiting") state.settle(outcome);
    return true;
  }

  private leave(): void {
    if (this.state.kind === "running" || this.state.kind === "waiting") open--;
  }
}

export interface DeferringRun {
  readonly handler: string;
  /** Why it cannot (metadata/deferral.ts). */
  readonly cannotDefer: string | undefined;
  /** Of this run. */
  readonly before: Deferral | undefined;
}

/** Throws what `ctx.defer` throws. */
export function deferral(options: DeferOptions, { handler, cannotDefer, before }: DeferringRun): Deferral {
  if (cannotDefer !== undefined)
    throw withCode("CANNOT_DEFER", new TypeError(`ctx.defer: handler "${handler}" ${cannotDefer}`));
  const leaseMs = readLease(options);
  if (before !== undefined)
    throw withCode("DEFERRED_TWICE", new Error("ctx.defer: this message is deferred already, with the lease of then"));
  if (open < MOST_OPEN) return new Deferral(leaseMs);
  const message = `ctx.defer: ${MOST_OPEN} messages of this process wait to be settled, which is the most. Have an answer be a message of its own: docs/effects.md, "Waiting for somebody"`;
  throw withCode("TOO_MANY_DEFERRED", new Error(message));
}

function readLease(options: DeferOptions): number {
  checkOptions(options, ["lease"], "defer");
  const leaseMs = typeof options.lease === "string" ? parseDuration(options.lease) : undefined;
  if (leaseMs !== undefined && leaseMs >= LEAST_MS && leaseMs <= MOST_MS) return leaseMs;
  const message = `ctx.defer: the lease must be a duration from "1s" to "24h", such as "5m"; received ${preview(options.lease)}`;
  throw withCode("INVALID_OPTION", new TypeError(message));
}

function withCode(code: string, error: Error): Error {
  return Object.assign(error, { code });
}
