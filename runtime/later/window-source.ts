// Takes the messages of one window from its consumer.

import type { JetStreamManager } from "@nats-io/jetstream";
import type { Msg, NatsConnection } from "@nats-io/transport-node";
import { PullSource, TICK_MS } from "../bind/pull.ts";
import type { Clock, Timer } from "../clock.ts";
import { NO_BOARD } from "../message/hold.ts";
import type { RateLimitedNotices } from "../nats/rate-limited-notices.ts";
import type { ConnectedSender } from "../nats/send-when-connected.ts";
import type { StandingSubscriptions } from "../nats/standing-subscriptions.ts";
import type { Departures } from "./departures.ts";
import { ensureWindowConsumer, laterStream, windowDurable } from "./later-stream.ts";
import { type Window, windowSubject } from "./window.ts";

export interface WindowSourceDeps {
  readonly connection: NatsConnection;
  readonly app: string;
  readonly inboxPrefix: string | undefined;
  readonly clock: Clock;
  readonly jsm: JetStreamManager;
  readonly acks: ConnectedSender;
  readonly subscriptions: StandingSubscriptions;
  readonly departures: Departures;
  readonly notices: RateLimitedNotices;
}

/** Published at once by one replica, of one window. */
const SLOTS = 256;
const FIRST_WAIT_MS = 250;
const LAST_WAIT_MS = 15_000;
const QUIET_MS = 5_000;

export class WindowSource {
  private readonly window: Window;
  private readonly deps: WindowSourceDeps;
  private readonly pulls: PullSource;
  private readonly onIdle: () => void;
  private readonly forget: () => void;
  private readonly ticking: Timer;
  private waiting: Timer | undefined;
  private inHand = 0;
  private isClosed = false;
  private cameAtMs: number;
  private isSettingUp = false;

  /** `onIdle`: nothing is in hand, and nothing came for a moment. */
  constructor(window: Window, deps: WindowSourceDeps, onIdle: () => void) {
    this.window = window;
    this.deps = deps;
    this.onIdle = onIdle;
    const { connection, app, clock, acks, inboxPrefix, subscriptions } = deps;
    this.pulls = new PullSource({
      connection,
      subscriptions,
      leave: (subscription) => subscription.close(), // It is left when its window is empty.
      sender: acks,
      clock,
      inboxPrefix,
      stream: laterStream(app),
      durable: windowDurable(window),
      holds: NO_BOARD,
      owner: {
        free: () => SLOTS - this.inHand,
        slots: () => SLOTS,
        arrived: (message) => this.arrived(message),
        expired: () => this.lookIfIdle(),
        refused: () => undefined, // Asked again within the limits it tells of, or in a second.
        lost: () => void this.setUp(FIRST_WAIT_MS),
        failed: (error) => this.tell(error),
      },
    });
    this.cameAtMs = clock.monotonicMs();
    this.forget = acks.onReconnect(() => void this.setUp(FIRST_WAIT_MS));
    this.ticking = clock.every(TICK_MS, () => this.pulls.tick());
    void this.setUp(FIRST_WAIT_MS);
  }

  /** Nothing has come for a while: what it still holds waits for another try. */
  get isQuiet(): boolean {
    return this.inHand === 0 && this.deps.clock.monotonicMs() - this.cameAtMs > QUIET_MS;
  }

  /** Resolves when nothing more can arrive; what is in hand goes on. Never rejects. */
  close(): Promise<void> {
    this.isClosed = true;
    this.forget();
    this.ticking.cancel();
    this.waiting?.cancel();
    return this.pulls.close();
  }

  /** For as long as it takes. */
  private async setUp(waitMs: number): Promise<void> {
    if (this.isSettingUp || this.isClosed) return;
    this.isSettingUp = true;
    this.waiting?.cancel();
    const { jsm, app, clock } = this.deps;
    try {
      await ensureWindowConsumer(jsm, app, this.window);
      if (!this.isClosed) this.pulls.renew();
    } catch (error) {
      this.tell(error);
      if (this.isClosed) return;
      this.waiting = clock.after(waitMs, () => void this.setUp(Math.min(waitMs * 2, LAST_WAIT_MS)));
    } finally {
      this.isSettingUp = false;
    }
  }

  private arrived(message: Msg): void {
    this.cameAtMs = this.deps.clock.monotonicMs();
    this.inHand++;
    const isInHand = this.deps.departures.arrived(message, () => {
      this.inHand--;
      this.pulls.request();
      this.lookIfIdle();
    });
    if (!isInHand) this.inHand--;
    this.pulls.request();
  }

  private lookIfIdle(): void {
    if (this.inHand === 0 && !this.isClosed) this.onIdle();
  }

  private tell(error: unknown): void {
    const { app, notices } = this.deps;
    const why = error instanceof Error ? error.message : String(error);
    const text = `messages of "${windowSubject(app, this.window)}" that are due may leave late: ${why}`;
    notices.tell("later window", "error", text);
  }
}
