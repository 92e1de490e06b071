// What a function that takes batches is given beside the contents: the messages, and a way to fail some of them.

import type { DeliveryContext } from "./context.ts";
import type { ContextLink } from "./link.ts";
import { createLog, type Log } from "./log.ts";
import { outcomeOfThrown, type RunOutcome } from "./run-outcome.ts";

export class BatchContext {
  /** In the order of the contents. */
  readonly messages: readonly DeliveryContext[];
  readonly signal: AbortSignal;
  readonly shadow: boolean;
  private readonly link: ContextLink;
  private readonly failures = new Map<number, RunOutcome>();
  private isOver = false;
  private ownLog: Log | undefined;

  constructor(
    messages: readonly DeliveryContext[],
    { signal, shadow, link }: { readonly signal: AbortSignal; readonly shadow: boolean; readonly link: ContextLink },
  ) {
    this.messages = messages;
    this.signal = signal;
    this.shadow = shadow;
    this.link = link;
  }

  get log(): Log {
    this.ownLog ??= createLog(this.link, () => ({}));
    return this.ownLog;
  }

  // A getter, so that `const { fail } = ctx` works.
  get fail() {
    return (index: number, error: unknown) => this.failOne(index, error);
  }

  /** How it ended where it was failed. */
  failureOf(index: number): RunOutcome | undefined {
    return this.failures.get(index);
  }

  /** The function has ended. */
  close(): void {
    this.isOver = true;
  }

  private failOne(index: number, error: unknown): void {
    if (this.isOver) throw new Error(`ctx.fail(${index}) came after the function had ended: its message is settled`);
    const last = this.messages.length - 1;
    if (!Number.isInteger(index) || index < 0 || index > last)
      throw new RangeError(`ctx.fail: the index must be a whole number from 0 to ${last}; received ${String(index)}`);
    if (!this.failures.has(index)) this.failures.set(index, outcomeOfThrown(error));
  }
}
