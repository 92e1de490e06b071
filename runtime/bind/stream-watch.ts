// Notices that the subject of a bound handler is in another stream now: the old one was removed, renamed, or gave it up.
//
// W1  Looked at every ten seconds, with very many handlers less often, and at once when the stream is gone or somebody asks.
// W2  Nothing that is left behind is forgotten: while the old stream still has messages for the handler, they come first.
// W3  Of a stream that is known to be left, once it is handled, it is looked at soon: what comes waits for that.

import type { Clock, Timer } from "../clock.ts";

export interface StreamWatchOptions {
  readonly clock: Clock;
  /** The stream that is bound. */
  readonly stream: string;
  /** W3. */
  readonly isLeaving?: boolean | undefined;
  /** The stream that takes the subject now; undefined: cannot be said. Never rejects. */
  readonly where: () => Promise<string | undefined>;
  /** Messages of the bound stream that are not settled; 0 when it is gone; undefined: cannot be said. Never rejects. */
  readonly left: () => Promise<number | undefined>;
  /** Called once: from now on the other stream is to be bound. */
  readonly onMoved: (to: string) => void;
  /** How many are watched in all. */
  readonly watched: () => number;
  /** The subject has moved, and what is left behind comes first. */
  readonly onLeftBehind: (to: string, messages: number) => void;
}

const LOOK_EVERY_MS = 10_000;
/** How many are looked at within that time. */
const LOOKS_AT_ONCE = 50;
const LOOK_AGAIN_MS = 2_000;
const FIRST_SOON_MS = 100;

export class StreamWatch {
  private readonly options: StreamWatchOptions;
  private readonly timer: Timer;
  private soon: Timer | undefined;
  /** W3. */
  private next: Timer | undefined;
  private looking: Promise<void> | undefined;
  private state: "bound" | "moved" | "closed" = "bound";

  constructor(options: StreamWatchOptions) {
    this.options = options;
    let ticks = 0;
    this.timer = options.clock.every(LOOK_EVERY_MS, () => {
      const turns = Math.max(1, Math.ceil(options.watched() / LOOKS_AT_ONCE));
      if (++ticks % turns === 0) void this.look();
    });
    if (options.isLeaving === true) this.lookSoon(FIRST_SOON_MS);
  }

  get hasMoved(): boolean {
    return this.state === "moved";
  }

  /** Resolves when it is known whether the subject has moved. Never rejects. */
  look(): Promise<void> {
    this.looking ??= this.lookOnce().finally(() => {
      this.looking = undefined;
    });
    return this.looking;
  }

  close(): void {
    this.timer.cancel();
    this.soon?.cancel();
    this.next?.cancel();
    if (this.state === "bound") this.state = "closed";
  }

  /** W3. Less and less often: it may be off for days. */
  private lookSoon(afterMs: number): void {
    if (this.state !== "bound" || afterMs > LOOK_EVERY_MS) return;
    this.next = this.options.clock.after(afterMs, () => void this.look().then(() => this.lookSoon(2 * afterMs)));
  }

  private async lookOnce(): Promise<void> {
    const { stream, where, left, onMoved, onLeftBehind, clock } = this.options;
    const to = await where();
    if (to === undefined || to === stream) return;
    const messages = await left();
    if (this.state !== "bound" || messages === undefined) return;
    if (messages > 0) {
      onLeftBehind(to, messages);
      this.soon?.cancel();
      this.soon = clock.after(LOOK_AGAIN_MS, () => void this.look()); // W2
      return;
    }
    this.timer.cancel();
    this.next?.cancel();
    this.state = "moved";
    onMoved(to);
  }
}
