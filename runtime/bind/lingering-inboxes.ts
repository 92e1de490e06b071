// Inboxes over which nothing is asked for any more, kept open for as long as the server may hand something out over them.
//
// L1  A server that has leaf nodes or gateways takes everybody who asked it within the last two seconds for somebody who
//     listens. What it hands out to nobody it hands out again at once, ten thousands of times a second, and counts each time.
//     What is heard can be given back. Such servers are known by their domains; behind another, deliveries that nobody heard are
//     told by their number (attempt-count.ts).
// L2  Nobody waits for them: they end by themselves, and keep no process alive. `close` ends them, before the connection goes.

import type { Clock, Timer } from "../clock.ts";
import type { StandingSubscription } from "../nats/standing-subscriptions.ts";
import { UnawaitedWork } from "../nats/unawaited-work.ts";

/** L1, and a moment for the way there. */
const LINGER_MS = 2_500;

interface Lingering {
  readonly timer: Timer;
  readonly onEnd: () => Promise<void>;
}

export class LingeringInboxes {
  private readonly clock: Clock;
  private readonly open = new Map<StandingSubscription, Lingering>();
  private readonly ending = new UnawaitedWork();
  private isClosed = false;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /**
   * Resolves when nothing more is handed to the subscription's owner, or when it lingers. Never rejects.
   *
   * @param askedMsAgo when something was asked for last over it; undefined: it owes nothing
   * @param onEnd it lingered, and nothing comes from it any more; must not reject
   */
  async leave(
    subscription: StandingSubscription,
    askedMsAgo: number | undefined,
    onEnd: () => Promise<void>,
  ): Promise<void> {
    const leftMs = LINGER_MS - (askedMsAgo ?? LINGER_MS);
    if (this.isClosed || leftMs <= 0) return subscription.close();
    // L2: of the clock's timers this one lets a process end.
    const timer = this.clock.every(leftMs, () => this.ending.add(this.end(subscription)));
    this.open.set(subscription, { timer, onEnd });
  }

  /** Resolves when nothing comes from any of them. Never rejects. */
  async close(): Promise<void> {
    this.isClosed = true;
    for (const subscription of this.open.keys()) this.ending.add(this.end(subscription));
    await this.ending.settled();
  }

  private async end(subscription: StandingSubscription): Promise<void> {
    const lingering = this.open.get(subscription);
    if (lingering === undefined) return;
    this.open.delete(subscription);
    lingering.timer.cancel();
    await subscription.close();
    await lingering.onEnd();
  }
}
