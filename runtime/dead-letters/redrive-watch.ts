// Knows for which handlers redriven messages wait, so that no handler needs a consumer for them until there are some.
// A redrive is also heard as a core message; what was sent while we were not listening is counted in the stream.

import type { JetStreamManager } from "@nats-io/jetstream";
import { ApiCode, isApiError, isNoAnswer } from "../nats/jetstream-errors.ts";
import type { RateLimitedNotices } from "../nats/rate-limited-notices.ts";
import type { ConnectedSender } from "../nats/send-when-connected.ts";
import type { StandingSubscription, StandingSubscriptions } from "../nats/standing-subscriptions.ts";

export interface RedriveWatchOptions {
  readonly subscriptions: StandingSubscriptions;
  readonly jsm: JetStreamManager;
  readonly sender: ConnectedSender;
  readonly app: string;
  readonly notices: RateLimitedNotices;
}

export function redriveStream(app: string): string {
  return `REDRIVE_${app}`;
}

export function redriveSubjects(app: string): string {
  return `redrive.${app}.>`;
}

export class RedriveWatch {
  private readonly options: RedriveWatchOptions;
  private readonly listeners = new Map<string, Set<() => void>>();
  private subscription: StandingSubscription | undefined;
  private checking: Promise<void> | undefined;

  constructor(options: RedriveWatchOptions) {
    this.options = options;
    options.sender.onReconnect(() => void this.check());
  }

  /** `wake` is called for every message redriven to `subject`, and soon if some wait already. Returns what ends it. */
  watch(subject: string, wake: () => void): () => void {
    const { subscriptions, app } = this.options;
    this.subscription ??= subscriptions.subscribe(redriveSubjects(app), {
      onMessage: (message) => this.wake(message.subject),
      onRefused: (error) => this.tell(error),
      onGranted: () => void this.check(), // What came meanwhile was not heard.
    });
    const wakes = this.listeners.get(subject) ?? new Set();
    this.listeners.set(subject, wakes.add(wake));
    // Handlers are bound by the hundred: they are looked up together.
    this.checking ??= Promise.resolve().then(() => this.check());
    return () => {
      wakes.delete(wake);
      if (wakes.size === 0 && this.listeners.get(subject) === wakes) this.listeners.delete(subject);
    };
  }

  private async check(): Promise<void> {
    const { jsm, app } = this.options;
    this.checking = undefined;
    try {
      const { state } = await jsm.streams.info(redriveStream(app), { subjects_filter: redriveSubjects(app) });
      for (const subject of Object.keys(state.subjects ?? {})) this.wake(subject);
    } catch (error) {
      // Without a stream nothing was ever redriven; without an answer the next reconnect asks again.
      if (!isApiError(error, ApiCode.streamNotFound) && !isNoAnswer(error)) this.tell(error);
    }
  }

  private wake(subject: string): void {
    for (const wake of [...(this.listeners.get(subject) ?? [])]) wake();
  }

  private tell(error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    this.options.notices.tell("redrive watch", "warn", `redriven messages may come late: ${reason}`);
  }
}
