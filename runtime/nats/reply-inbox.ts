// One inbox for the replies to all requests of a connection. The client's own makes, for every request that is answered,
// three promises, a random token and an error with its stack; and none of its requests can be given up before its timeout.
//
// R1  A request is known by the last token of its reply subject: a number that is not used twice.
// R2  The server says only in passing that it does not let us publish: nobody answers then, and all requests to that subject
//     that are open are refused with it.
// R3  The inbox is subscribed to at the first request. While it is refused, so is every request.

import { createInbox, errors, type Msg, type MsgHdrs, type NatsConnection } from "@nats-io/transport-node";
import type { Clock, Timer } from "../clock.ts";
import { type StandingSubscription, StandingSubscriptions } from "./standing-subscriptions.ts";

export interface ReplyInboxOptions {
  readonly connection: NatsConnection;
  readonly inboxPrefix: string | undefined;
  readonly clock: Clock;
}

export interface Request {
  readonly subject: string;
  readonly payload: Uint8Array;
  readonly headers: MsgHdrs;
  readonly timeoutMs: number;
  /** Gives it up. */
  readonly gone?: AbortSignal;
}

interface Open {
  readonly subject: string;
  readonly timer: Timer;
  readonly forget: (() => void) | undefined;
  resolve(reply: Msg | undefined): void;
  reject(error: Error): void;
}

const NOBODY = 503;

export class ReplyInbox {
  private readonly options: ReplyInboxOptions;
  private readonly prefix: string;
  private readonly subscriptions: StandingSubscriptions;
  private readonly open = new Map<string, Open>();
  private subscription: StandingSubscription | undefined;
  private made = 0;

  constructor(options: ReplyInboxOptions) {
    const { connection, inboxPrefix, clock } = options;
    this.options = options;
    this.prefix = `${createInbox(inboxPrefix)}.`;
    this.subscriptions = new StandingSubscriptions(connection, clock);
    void this.follow();
    void connection.closed().then(() => this.refuse(new errors.ClosedConnectionError()));
  }

  /**
   * The first reply. Undefined: none came in time, or it was given up.
   *
   * Rejects with NoRespondersError, PermissionViolationError, and ClosedConnectionError.
   */
  async request({ subject, payload, headers, timeoutMs, gone }: Request): Promise<Msg | undefined> {
    const refusal = this.subscribed().refusal;
    if (refusal !== undefined) throw refusal;
    const token = (++this.made).toString(36);
    const reply = this.waitFor(token, subject, timeoutMs, gone);
    try {
      this.options.connection.publish(subject, payload, { headers, reply: this.prefix + token });
    } catch (error) {
      this.taken(token)?.reject(error as Error);
    }
    return reply;
  }

  private waitFor(token: string, subject: string, timeoutMs: number, gone?: AbortSignal): Promise<Msg | undefined> {
    return new Promise((resolve, reject) => {
      const giveUp = () => this.taken(token)?.resolve(undefined);
      gone?.addEventListener("abort", giveUp, { once: true });
      const forget = gone && (() => gone.removeEventListener("abort", giveUp));
      this.open.set(token, { subject, timer: this.options.clock.after(timeoutMs, giveUp), forget, resolve, reject });
    });
  }

  /** It is open no longer. */
  private taken(token: string): Open | undefined {
    const open = this.open.get(token);
    if (open === undefined) return undefined;
    this.open.delete(token);
    open.timer.cancel();
    open.forget?.();
    return open;
  }

  private subscribed(): StandingSubscription {
    this.subscription ??= this.subscriptions.subscribe(`${this.prefix}*`, {
      onMessage: (reply) => this.onReply(reply),
      onRefused: (error) => this.refuse(error),
    });
    return this.subscription;
  }

  private onReply(reply: Msg): void {
    const open = this.taken(reply.subject.slice(this.prefix.length));
    if (open === undefined) return;
    if (reply.data.length === 0 && reply.headers?.code === NOBODY) {
      open.reject(new errors.NoRespondersError(open.subject));
    } else open.resolve(reply);
  }

  /** R2, R3. Undefined: to whatever subject. */
  private refuse(error: Error, subject?: string): void {
    for (const [token, open] of this.open) {
      if (subject === undefined || open.subject === subject) this.taken(token)?.reject(error);
    }
  }

  private async follow(): Promise<void> {
    for await (const status of this.options.connection.status()) {
      if (status.type !== "error" || !(status.error instanceof errors.PermissionViolationError)) continue;
      if (status.error.operation === "publish") this.refuse(status.error, status.error.subject);
    }
  }
}
