// The turns of a handler of which only so many messages are let through, in all replicas together.
//
// C1  A message begins with a turn that was counted for it before: more than were asked for never begin, whatever dies meanwhile.
// C2  What waits when no turn is left is given back, uncharged.

import type { Clock, Timer } from "../clock.ts";
import type { FirstMessages } from "../message/slow-start.ts";

export interface CountedTurnsOptions {
  readonly first: FirstMessages;
  /** As `SlowStarts.letThrough` does. */
  readonly letThrough: (wanted: number) => Promise<number>;
  readonly clock: Clock;
  /** How many wait for their turn here. */
  readonly waiting: () => number;
  /** The next may begin. */
  readonly onTurn: () => void;
  /** C2. */
  readonly onUsedUp: () => void;
}

const AGAIN_MS = 1_000;

export class CountedTurns {
  private readonly options: CountedTurnsOptions;
  /** In all replicas, as far as is known here. */
  private left: number;
  private granted = 0;
  private asking: Promise<void> | Timer | undefined;

  constructor(options: CountedTurnsOptions) {
    this.options = options;
    this.left = options.first.left;
  }

  /** How many may begin at most, with those that wait. */
  get atMost(): number {
    return this.granted + this.left;
  }

  isOf({ saidMs }: FirstMessages): boolean {
    return this.options.first.saidMs === saidMs;
  }

  /** So many are left in all replicas. */
  heard(left: number): void {
    this.left = Math.min(this.left, left);
    this.look();
  }

  /** One wants to begin: false when it has to wait for a turn, which is asked for. */
  mayBegin(): boolean {
    if (this.granted > 0) return true;
    // Whoever asks may not have begun to wait yet.
    queueMicrotask(() => this.look());
    return false;
  }

  /** One begins. */
  take(): void {
    this.granted--;
  }

  private look(): void {
    const { waiting, onUsedUp } = this.options;
    if (this.granted > 0 || this.asking !== undefined || waiting() === 0) return;
    if (this.left === 0) return onUsedUp();
    this.asking = this.ask(waiting());
  }

  private async ask(wanted: number): Promise<void> {
    const { letThrough, clock, onTurn } = this.options;
    try {
      const granted = await letThrough(wanted);
      this.asking = undefined;
      this.granted += granted;
      if (granted === 0) this.left = 0;
      onTurn();
      this.look();
    } catch {
      // The bucket is away, which is told of by whoever follows it: what waits goes on waiting.
      this.asking = clock.after(AGAIN_MS, () => {
        this.asking = undefined;
        this.look();
      });
    }
  }
}
