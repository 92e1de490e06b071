// What this replica has acknowledged lately. A server that is killed forgets its last acknowledgements, and a connection that
// breaks loses some on the way: the messages come again, and are acknowledged again, unrun.
//
// H1  A message is known by its sequence and the time it was stored: a stream that counts from 1 again has other messages.
// H2  Asked only after a break, about what was acknowledged before it, and only once each.
// H3  A consumer made anew is somebody's wish to have everything again: all is forgotten.
// H4  Bounded in number and in time.

import type { Clock } from "../clock.ts";

export interface HandledMessage {
  readonly streamSequence: number;
  readonly storedAtMs: number;
}

/** Of those acknowledged since the last break, and of those before, each. */
const MOST_KNOWN = 100_000;
const KNOWN_FOR_MS = 120_000;

export class RecentlyHandled {
  private readonly clock: Clock;
  /** Sequence to time of storage, oldest first: since when, and those of before. */
  private recent = new Map<number, number>();
  private older = new Map<number, number>();
  private recentSinceMs: number;
  /** May come again, until then. */
  private doubted = new Map<number, number>();
  private doubtedUntilMs = 0;
  private consumer: string | undefined;

  constructor(clock: Clock) {
    this.clock = clock;
    this.recentSinceMs = clock.monotonicMs();
  }

  add({ streamSequence, storedAtMs }: HandledMessage): void {
    if (this.recent.size >= MOST_KNOWN / 2) this.turn();
    this.recent.set(streamSequence, storedAtMs);
  }

  /** To be called now and then: what is too old is forgotten (H4). */
  tick(): void {
    const nowMs = this.clock.monotonicMs();
    if (nowMs - this.recentSinceMs >= KNOWN_FOR_MS / 2) this.turn();
    if (nowMs >= this.doubtedUntilMs && this.doubted.size > 0) this.doubted = new Map();
  }

  /**
   * Messages come over a new connection, or from a consumer that was not there for a while (H2).
   *
   * @param consumer when the consumer was made (H3)
   */
  resume(consumer: string): void {
    const isNew = this.consumer !== undefined && this.consumer !== consumer;
    this.consumer = consumer;
    if (isNew) this.doubted = new Map();
    else for (const known of [this.older, this.recent]) for (const [seq, at] of known) this.doubted.set(seq, at);
    this.recent = new Map();
    this.turn();
    for (const seq of this.doubted.keys()) {
      if (this.doubted.size <= MOST_KNOWN) break;
      this.doubted.delete(seq);
    }
    this.doubtedUntilMs = this.clock.monotonicMs() + KNOWN_FOR_MS;
  }

  /** Whether it was handled and comes again because that was forgotten. It is handled once more now. */
  comesAgain(message: HandledMessage): boolean {
    if (this.doubted.size === 0 || this.doubted.get(message.streamSequence) !== message.storedAtMs) return false;
    this.doubted.delete(message.streamSequence);
    this.add(message);
    return true;
  }

  /** Whether it was acknowledged lately. */
  knows({ streamSequence, storedAtMs }: HandledMessage): boolean {
    return [this.recent, this.older, this.doubted].some((known) => known.get(streamSequence) === storedAtMs);
  }

  private turn(): void {
    this.older = this.recent;
    this.recent = new Map();
    this.recentSinceMs = this.clock.monotonicMs();
  }
}
