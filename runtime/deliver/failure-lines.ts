// How often the log has a line of one handler's failures and drops: a handler that fails thousands of times a second gets so many lines,
// and one that counts the rest.

import type { Clock } from "../clock.ts";
import type { Emit } from "../events.ts";
import type { Outcome } from "../message/outcome.ts";
import type { ResolvedMetadata } from "../metadata/handler-metadata.ts";
import { explain } from "./settle.ts";

export interface FailureLinesOptions {
  readonly handler: string;
  readonly clock: Clock;
  readonly emit: Emit;
}

const WINDOW_MS = 1_000;
const LINES_A_SECOND = 20;

export class FailureLines {
  private readonly options: FailureLinesOptions;
  private failures = 0;
  private dropped = 0;

  constructor(options: FailureLinesOptions) {
    this.options = options;
  }

  /** One has failed: whether it has a line of its own. */
  mayTell(): boolean {
    const { clock, handler, emit } = this.options;
    if (this.failures++ === 0) {
      clock.after(WINDOW_MS, () => {
        const more = this.failures - LINES_A_SECOND;
        this.failures = 0;
        const message = `handler "${handler}": ${more} more failures in the last second`;
        if (more > 0) emit({ type: "runtime.notice", level: "warn", message });
      });
    }
    return this.failures <= LINES_A_SECOND;
  }

  /** As long as few are. */
  halved(count: number, outcome: Outcome): void {
    if (!this.mayTell()) return;
    const { handler, emit } = this.options;
    const message = `handler "${handler}": a batch of ${count} messages failed (${explain(outcome)}); its halves are tried, which charges nobody. Fail a message that is known to be bad with ctx.fail`;
    emit({ type: "runtime.notice", level: "warn", message });
  }

  queueFull({ maxQueued, maxQueuedBytes }: Pick<ResolvedMetadata, "maxQueued" | "maxQueuedBytes">): void {
    this.drop(`the queue is full (${maxQueued} messages or ${maxQueuedBytes} bytes)`);
  }

  /** An overflow is thousands of messages: one line a second. */
  drop(why: string): void {
    if (this.dropped++ > 0) return;
    const { clock, handler, emit } = this.options;
    clock.after(WINDOW_MS, () => {
      emit({ type: "delivery.dropped", handler, count: this.dropped, why });
      this.dropped = 0;
    });
  }
}
