// Subscriptions that stand: one that the server refuses, or takes away because the right to it was taken away, is asked
// for again until the server grants it.
//
// S1  The client gives a refused subscription up for good. Where the server does not name the queue (2.9, 2.10, and any
//     when its configuration is read anew) the client does not even tell it: so the connection's errors are listened to.
// S2  The new one is there before the old one goes: an error without a queue may mean another subscription than ours.
// S3  No callback may throw: a throw would silently deafen the whole connection (nats.js).

import { errors, type Msg, type NatsConnection, type Subscription } from "@nats-io/transport-node";
import { type Clock, type Timer, within } from "../clock.ts";
import { answered } from "./answered.ts";

export interface StandingOptions {
  readonly queue?: string;
  readonly onMessage: (message: Msg) => void;
  /** Once, when it is refused; what comes until `onGranted` is the same refusal. */
  readonly onRefused: (error: Error) => void;
  /** Only after `onRefused`. */
  readonly onGranted?: () => void;
  /** Milliseconds between two tries. */
  readonly retryMs?: number;
}

type PermissionViolation = InstanceType<typeof errors.PermissionViolationError>;

const RETRY_MS = 3_000;
const ANSWER_MS = 5_000;

export class StandingSubscriptions {
  private readonly connection: NatsConnection;
  private readonly clock: Clock;
  private readonly open = new Set<StandingSubscription>();

  constructor(connection: NatsConnection, clock: Clock) {
    this.connection = connection;
    this.clock = clock;
    this.listen().catch(() => undefined); // It ends with the connection.
  }

  subscribe(subject: string, options: StandingOptions): StandingSubscription {
    const forget = () => void this.open.delete(standing);
    const standing: StandingSubscription = new StandingSubscription(
      this.connection,
      this.clock,
      subject,
      options,
      forget,
    );
    this.open.add(standing);
    return standing;
  }

  /** Resolves when the server has answered for every subscription made before. Rejects when the connection is lost. */
  async answered(): Promise<void> {
    await answered(this.connection);
  }

  /** S1. */
  private async listen(): Promise<void> {
    for await (const status of this.connection.status()) {
      if (status.type !== "error" || !(status.error instanceof errors.PermissionViolationError)) continue;
      for (const standing of [...this.open]) standing.hear(status.error);
    }
  }
}

export class StandingSubscription {
  private readonly connection: NatsConnection;
  private readonly clock: Clock;
  private readonly subject: string;
  private readonly options: StandingOptions;
  private readonly forget: () => void;
  private current: Subscription;
  private refused: Error | undefined;
  private refusals = 0;
  private retry: Timer | undefined;
  private closing: Promise<void> | undefined;

  constructor(connection: NatsConnection, clock: Clock, subject: string, options: StandingOptions, forget: () => void) {
    this.connection = connection;
    this.clock = clock;
    this.subject = subject;
    this.options = options;
    this.forget = forget;
    this.current = this.subscribe();
  }

  /** What the server said; undefined while it lets us. Known once it has answered. */
  get refusal(): Error | undefined {
    return this.refused;
  }

  /** An error of the connection: ours, as far as can be told. */
  hear(error: PermissionViolation): void {
    if (error.operation !== "subscription" || error.subject !== this.subject) return;
    if (error.queue === undefined || error.queue === this.options.queue) this.refuse(error);
  }

  /** Resolves when nothing more can arrive. Never rejects. A second call joins the first. */
  close(): Promise<void> {
    this.retry?.cancel();
    this.forget();
    this.closing ??= drained(this.current);
    return this.closing;
  }

  private subscribe(): Subscription {
    const { queue, onMessage } = this.options;
    return this.connection.subscribe(this.subject, {
      ...(queue === undefined ? {} : { queue }),
      callback: (error, message) => (error === null ? onMessage(message) : this.refuse(error)),
    });
  }

  private refuse(error: Error): void {
    if (this.closing !== undefined) return;
    this.refusals++;
    const isNews = this.refused === undefined;
    this.refused = error;
    if (isNews) this.options.onRefused(error);
    this.tryLater();
  }

  private tryLater(): void {
    this.retry ??= this.clock.after(this.options.retryMs ?? RETRY_MS, () => void this.tryAgain());
  }

  /** S2. */
  private async tryAgain(): Promise<void> {
    if (this.connection.isClosed() || this.connection.isDraining()) return;
    const { refusals } = this;
    const old = this.current;
    this.current = this.subscribe();
    void drained(old);
    const answer = answered(this.connection).then(
      () => "answered" as const,
      () => "lost" as const,
    );
    const came = await within(this.clock, ANSWER_MS, answer);
    this.retry = undefined;
    if (this.closing !== undefined) return;
    if (came !== "answered" || this.refusals > refusals) return this.tryLater();
    this.refused = undefined;
    this.options.onGranted?.();
  }
}

/** The client's `drain` unsubscribes and waits for the server's word that nothing more is on its way. */
async function drained(subscription: Subscription): Promise<void> {
  try {
    await subscription.drain();
  } catch {
    // The connection is closed, or the subscription is: nothing comes from it any more, which is what was wanted.
  }
}
