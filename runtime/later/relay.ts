// Has messages leave when they are due. Every replica does, and any may take any message: there is no leader.
//
// R1  Windows are taken up when their time comes: looked for every few seconds, and heard of at once when somebody stores
//     into one of the present.
// R2  A window is left when it has passed and holds nothing any more.
// R3  Where no stream is, nothing was ever put off: nothing is looked for until somebody says that there is.

import type { JetStreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import type { Clock, Timer } from "../clock.ts";
import { DeadLetters } from "../dead-letters/dead-letters.ts";
import type { Call } from "../message/handler-call.ts";
import { managerOf } from "../nats/jetstream.ts";
import { ApiCode, isApiError, jetStreamError } from "../nats/jetstream-errors.ts";
import { lacksJetStream } from "../nats/no-jetstream.ts";
import type { RateLimitedNotices } from "../nats/rate-limited-notices.ts";
import { ConnectedSender } from "../nats/send-when-connected.ts";
import type { ServerClock } from "../nats/server-clock.ts";
import { type StandingSubscription, StandingSubscriptions } from "../nats/standing-subscriptions.ts";
import { StreamLookup } from "../streams/stream-names.ts";
import { Departures } from "./departures.ts";
import { laterStream, wakeSubject } from "./later-stream.ts";
import { RefusedPublishes } from "./refused-publishes.ts";
import { LaterSender } from "./sender.ts";
import {
  hasPassed,
  isTakenUp,
  OVERDUE,
  soonSubjects,
  type Window,
  windowCounts,
  windowOfSubject,
  windowSubject,
  windowSubjects,
  windowsToOpen,
} from "./window.ts";
import { WindowSource, type WindowSourceDeps } from "./window-source.ts";

export interface RelayOptions {
  readonly connection: NatsConnection;
  readonly app: string;
  readonly instance: string;
  readonly inboxPrefix: string | undefined;
  readonly clock: Clock;
  readonly serverClock: ServerClock;
  readonly notices: RateLimitedNotices;
  /** Of each stream that the runtime makes. */
  readonly copies: number;
  /** Publishes for the app. */
  readonly publish: Call;
  readonly onLetterKept?: (handler: string) => void;
}

const LOOK_EVERY_MS = 15_000;
const TICK_MS = 10_000;
const SUBSCRIBE_AGAIN_MS = 60_000;
/** Windows of the past that are emptied at once, after an outage. */
const MOST_PASSED = 16;

export class LaterRelay {
  private readonly options: RelayOptions;
  private readonly deps: WindowSourceDeps;
  private readonly open = new Map<Window, WindowSource>();
  private readonly subscriptions: StandingSubscription[];
  private readonly timers: Timer[];
  private readonly forget: () => void;
  /** Being looked at whether they are empty. */
  private readonly emptying = new Set<Window>();
  private hasStream = true;
  /** There are windows of the past that are not taken up yet. */
  private hasMore = false;
  private looking: Promise<void> = Promise.resolve();
  private closing: Promise<void> | undefined;

  /** Asks the server nothing yet. */
  static async create(options: RelayOptions): Promise<LaterRelay> {
    return new LaterRelay(options, await managerOf(options.connection));
  }

  private constructor(options: RelayOptions, jsm: JetStreamManager) {
    this.options = options;
    const { connection, app, clock, notices, copies, publish } = options;
    const acks = new ConnectedSender(connection);
    const streams = new StreamLookup(connection, clock);
    const sender = new LaterSender({ app, jsm, streams, refused: new RefusedPublishes(connection), publish });
    const letters = new DeadLetters({ connection, app, clock, notices, copies, onKept: options.onLetterKept });
    const departures = new Departures({ ...options, acks, sender, letters });
    const subscriptions = new StandingSubscriptions(connection, clock);
    this.deps = { ...options, jsm, acks, subscriptions, departures };
    const wake = (subject: string) => void this.wake(windowOfSubject(subject));
    const refused = { onRefused: ({ message }: Error) => this.tell(message), retryMs: SUBSCRIBE_AGAIN_MS };
    this.subscriptions = [
      subscriptions.subscribe(wakeSubject(app), { onMessage: (message) => wake(message.string()), ...refused }),
      // A letter that is sent again is heard as it is stored.
      subscriptions.subscribe(windowSubject(app, OVERDUE), { onMessage: ({ subject }) => wake(subject), ...refused }),
    ];
    this.timers = [
      clock.every(LOOK_EVERY_MS, () => void this.look(this.hasMore ? "all" : "soon")),
      clock.every(TICK_MS, () => departures.tick()),
    ];
    this.forget = acks.onReconnect(() => void this.look("all"));
    void this.look("all");
  }

  /** Resolves when nothing more is taken and what was in hand is settled. Never rejects. A second call joins the first. */
  close(): Promise<void> {
    this.closing ??= this.end();
    return this.closing;
  }

  private async end(): Promise<void> {
    this.forget();
    for (const timer of this.timers) timer.cancel();
    await Promise.all([...this.subscriptions, ...this.open.values()].map((standing) => standing.close()));
    await this.deps.departures.settled();
  }

  /** R1. */
  private wake(window: Window | undefined): void {
    this.hasStream = true;
    const isNow = window !== undefined && isTakenUp(window, this.options.serverClock.nowMs());
    if (isNow) this.take([window]);
  }

  /** R1. One look at a time. */
  private look(where: "soon" | "all"): Promise<void> {
    this.looking = this.looking.then(() => this.lookNow(where));
    return this.looking;
  }

  private async lookNow(where: "soon" | "all"): Promise<void> {
    const { connection, app, serverClock } = this.options;
    if (lacksJetStream(connection) || this.closing !== undefined) return;
    if (where === "soon" && !this.hasStream) return;
    try {
      const subjects = where === "all" ? [windowSubjects(app)] : soonSubjects(app, serverClock.nowMs());
      for (const subject of subjects) this.take([...(await this.filled(subject)).keys()]);
      this.hasStream = true;
    } catch (error) {
      const doing = `stream "${laterStream(app)}" could not be looked through`;
      const { code, message } = jetStreamError(error, { connection, code: "STREAM_REFUSED", doing });
      const isMissing = isApiError(error, ApiCode.streamNotFound);
      // Who may not look would be refused at every look. Without an answer the next one asks again.
      if (isMissing || code === "NATS_REFUSED") this.hasStream = false;
      if (!isMissing && code !== "NATS_UNREACHABLE") this.tell(message);
    }
  }

  private async filled(filter: string): Promise<Map<Window, number>> {
    const { app, clock, serverClock } = this.options;
    const askedAtMs = clock.monotonicMs();
    const info = await this.deps.jsm.streams.info(laterStream(app), { subjects_filter: filter });
    serverClock.observe((info as { ts?: string }).ts, askedAtMs);
    return windowCounts(info.state.subjects ?? {});
  }

  private take(filled: readonly Window[]): void {
    if (this.closing !== undefined) return;
    const nowMs = this.options.serverClock.nowMs();
    const busy = [...this.open].filter(([window, source]) => hasPassed(window, nowMs) && !source.isQuiet);
    const unopened = filled.filter((window) => !this.open.has(window));
    for (const window of windowsToOpen(unopened, nowMs, MOST_PASSED - busy.length)) {
      this.open.set(window, new WindowSource(window, this.deps, () => void this.leaveIfEmpty(window)));
    }
    this.hasMore = unopened.some((window) => hasPassed(window, nowMs) && !this.open.has(window));
  }

  /** R2. */
  private async leaveIfEmpty(window: Window): Promise<void> {
    const { app, serverClock } = this.options;
    const source = this.open.get(window);
    if (source === undefined || !hasPassed(window, serverClock.nowMs()) || this.emptying.has(window)) return;
    this.emptying.add(window);
    // Stays open without an answer, and is looked at again when its next request runs out.
    const left = await this.filled(windowSubject(app, window)).catch(() => undefined);
    this.emptying.delete(window);
    if (left === undefined || (left.get(window) ?? 0) > 0 || this.open.get(window) !== source) return;
    this.open.delete(window);
    await source.close();
    if (this.hasMore) await this.look("all");
  }

  private tell(why: string): void {
    const text = `messages that are due (\`delay\`, \`at\`) may leave late, or not at all: ${why}`;
    this.options.notices.tell("later", "warn", text);
  }
}
