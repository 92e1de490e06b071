// The pause of one handler that has been told to go slower, here or in another replica: the longest that was asked for holds.

import type { Clock, Timer } from "../clock.ts";
import type { HoldBoard } from "../message/hold.ts";
import type { SlowDowns, SlowDownWords } from "../message/slow-down.ts";

export interface PauseOptions {
  readonly handler: string;
  readonly slowDowns: SlowDowns | undefined;
  readonly holds: HoldBoard;
  readonly clock: Clock;
  /** Whether it begins or ends. */
  readonly onChange: (isPaused: boolean) => void;
}

export class Pause {
  private readonly options: PauseOptions;
  private readonly unwatch: (() => void) | undefined;
  private untilMs = Number.NEGATIVE_INFINITY;
  private timer: Timer | undefined;
  private isClosed = false;

  constructor(options: PauseOptions) {
    this.options = options;
    // What is said of a key is for another (key-pauses.ts).
    this.unwatch = options.slowDowns?.watch(options.handler, (words) => {
      if (words.only === undefined) this.begin(words, "in another replica");
    });
  }

  get isOn(): boolean {
    return this.timer !== undefined;
  }

  /**
   * The handler says so itself: the other replicas are told, unless they know already. False when it is closed: nothing
   * pauses then.
   */
  ask(words: SlowDownWords): boolean {
    if (this.isClosed) return false;
    if (this.begin(words, "in this replica")) this.options.slowDowns?.tell(this.options.handler, words);
    return true;
  }

  /** It ends now, and none begins any more: what is in hand has to be finished. */
  close(): void {
    this.isClosed = true;
    if (this.timer !== undefined) this.options.onChange(false);
    this.unwatch?.();
    this.timer?.cancel();
    this.timer = undefined;
  }

  /** False when it pauses for as long already. */
  private begin({ delayMs, why }: SlowDownWords, where: string): boolean {
    const { clock, holds, onChange } = this.options;
    const nowMs = clock.monotonicMs();
    if (nowMs + delayMs <= this.untilMs) return false;
    const isNew = this.timer === undefined;
    this.timer?.cancel();
    this.untilMs = nowMs + delayMs;
    this.timer = clock.after(delayMs, () => this.end());
    const until = new Date(clock.nowMs() + delayMs).toISOString().replace(/\.\d+Z$/, "Z");
    holds.begin({
      reason: "slowed-down",
      text: `it pauses until ${until}: it was told to slow down ${where} (${why})`,
      remedy: "Messages wait meanwhile, and are charged nothing. It goes on by itself.",
    });
    if (isNew) onChange(true);
    return true;
  }

  private end(): void {
    this.timer = undefined;
    this.options.holds.end("slowed-down");
    this.options.onChange(false);
  }
}
