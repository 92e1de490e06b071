// Where a log is written that nobody must wait for: its reader may be a pipe that nobody empties, or a terminal on which
// somebody has pressed Ctrl-S.
//
// T1  A line is written at once while the reader takes it, so that a crash loses none.
// T2  What the reader does not take waits here, MOST_WAITING_BYTES of it, and is offered again and again; what comes then is
//     dropped and counted. Once all has been taken, it is told how many were.
// T3  In the end the reader has its time, for as long as it goes on taking.

import type { Clock, Timer } from "../clock.ts";
import type { Output } from "./terminal.ts";

const MOST_WAITING_BYTES = 1024 * 1024;
const FIRST_RETRY_MS = 5;
const LONGEST_RETRY_MS = 100;
const LAST_CHANCE_MS = 1_000;

export interface LogOutputOptions {
  readonly output: Pick<Output, "write" | "take">;
  readonly clock: Clock;
  /** The reader takes again what it had not taken for so long: so many lines were dropped meanwhile. */
  readonly onBack: (dropped: number, stoodStillMs: number) => void;
}

export class LogOutput {
  private readonly options: LogOutputOptions;
  private readonly waiting: Buffer[] = [];
  private waitingBytes = 0;
  private dropped = 0;
  private fullSinceMs = 0;
  private progressMs = 0;
  private retryMs = FIRST_RETRY_MS;
  private retry: Timer | undefined;
  private onEmpty: (() => void) | undefined;

  constructor(options: LogOutputOptions) {
    this.options = options;
  }

  /** Whole lines. Never throws, and never waits. */
  write(text: string): void {
    const { output, clock } = this.options;
    if (output.take === undefined) return output.write(text);
    const bytes = Buffer.from(text, "utf8");
    if (this.waiting.length > 0) {
      if (this.waitingBytes + bytes.length > MOST_WAITING_BYTES) this.dropped++;
      else this.keep(bytes);
      return;
    }
    const taken = output.take(bytes);
    if (taken === bytes.length) return;
    this.fullSinceMs = clock.monotonicMs();
    this.progressMs = this.fullSinceMs;
    this.retryMs = FIRST_RETRY_MS;
    this.keep(bytes.subarray(taken));
    this.offerLater();
  }

  /** T3: resolves when all has been taken, or the reader takes nothing any more. */
  async close(): Promise<void> {
    const { clock } = this.options;
    while (this.waiting.length > 0) {
      const leftMs = this.progressMs + LAST_CHANCE_MS - clock.monotonicMs();
      if (leftMs <= 0) break;
      await new Promise<void>((resolve) => {
        const timer = clock.after(leftMs, resolve);
        this.onEmpty = () => {
          timer.cancel();
          resolve();
        };
      });
    }
    this.retry?.cancel();
  }

  private keep(bytes: Buffer): void {
    this.waiting.push(bytes);
    this.waitingBytes += bytes.length;
  }

  private offerLater(): void {
    this.retry = this.options.clock.after(this.retryMs, () => this.offer());
  }

  private offer(): void {
    const { output, clock, onBack } = this.options;
    while (this.waiting.length > 0) {
      const [first] = this.waiting as [Buffer];
      const taken = output.take?.(first) ?? 0;
      this.waitingBytes -= taken;
      if (taken > 0) this.progressMs = clock.monotonicMs();
      if (taken === first.length) this.waiting.shift();
      else {
        this.waiting[0] = first.subarray(taken);
        this.retryMs = taken > 0 ? FIRST_RETRY_MS : Math.min(this.retryMs * 2, LONGEST_RETRY_MS);
        return this.offerLater();
      }
    }
    const { dropped } = this;
    this.dropped = 0;
    if (dropped > 0) onBack(dropped, clock.monotonicMs() - this.fullSinceMs);
    if (this.waiting.length === 0) this.onEmpty?.();
  }
}
