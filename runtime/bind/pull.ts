// Asks a consumer for as many messages as there are free slots, with pull requests of our own over one inbox.
//
// Q1  What is asked for and what is in hand together never exceed the slots.
// Q2  Asked for again in lots: when a quarter of the slots is free, or nothing is outstanding.
// Q3  Messages do not say which request they answer; the end of a request says how many it still owed. So only the sum
//     is kept: requested, less arrived, less owed at the end.
// Q4  When that sum can no longer be trusted (reconnect, silence, a consumer made anew), a new inbox is begun and what was
//     asked for over the old one is void: without listeners the server drops it, once nobody listens (lingering-inboxes.ts).
//     What still comes from it is taken.
// Q5  A request that is refused is asked again within the limits that the refusal tells of, or the consumer's configuration.
//     Where neither helps it is a hold, with the server's words, until a request is taken.
// Q6  The subscription's callback never throws: a throw would silently deafen the whole connection (nats.js).

import { createInbox, type Msg, type NatsConnection } from "@nats-io/transport-node";
import type { Clock, Timer } from "../clock.ts";
import type { HoldBoard } from "../message/hold.ts";
import { domainOf } from "../nats/jetstream.ts";
import type { ConnectedSender } from "../nats/send-when-connected.ts";
import type { StandingSubscription, StandingSubscriptions } from "../nats/standing-subscriptions.ts";
import { pullSubject } from "../streams/pull-subject.ts";
import { type PullConfig, PullLimits, pullBody } from "./pull-limits.ts";

export interface PullOptions {
  readonly connection: NatsConnection;
  readonly subscriptions: StandingSubscriptions;
  /** Close what messages came by, `askedMsAgo` milliseconds after they were asked for last; undefined: none is owed. */
  readonly leave: (subscription: StandingSubscription, askedMsAgo: number | undefined) => Promise<void>;
  readonly sender: ConnectedSender;
  readonly clock: Clock;
  readonly inboxPrefix: string | undefined;
  readonly stream: string;
  readonly domain?: string | undefined;
  readonly durable: string;
  readonly owner: PullOwner;
  readonly holds: HoldBoard;
}

export interface PullOwner {
  /** Slots that nothing is in. */
  free(): number;
  /** All slots. */
  slots(): number;
  /** May throw. */
  arrived(message: Msg): void;
  /** A request ran out: the consumer had no more for a while. */
  expired(): void;
  /** A request was refused, and its words do not say how to ask: look the consumer's configuration up, and `adopt` it. */
  refused(): void;
  /** The consumer, or who serves it, is not there. No pulls until `renew`. */
  lost(why: string): void;
  failed(error: Error): void;
}

/** To be called every so many milliseconds: `tick`. */
export const TICK_MS = 10_000;
/** Ticks without a heartbeat before the consumer is taken for gone. */
const SILENT_TICKS = 2;
/** Ticks after which every request must have ended. */
const STALE_TICKS = 4;
const REFUSED_WAIT_MS = 1_000;

interface Inbox {
  readonly prefix: string;
  subscription: StandingSubscription | undefined;
  outstanding: number;
  requests: number;
  /** The last request made by other limits than those known now. */
  outdated: number;
  silentTicks: number;
  ticksSinceRequest: number;
  requestedAtMs: number;
}

const encoder = new TextEncoder();

export class PullSource {
  private readonly options: PullOptions;
  private readonly subject: string;
  private readonly limits = new PullLimits();
  private inbox: Inbox | undefined;
  /** The last request that ended was refused, and none was taken since. */
  private isRefused = false;
  private waiting: Timer | undefined;
  private closing: Promise<void> | undefined;

  constructor(options: PullOptions) {
    this.options = options;
    this.subject = pullSubject({ ...options, domain: domainOf(options.connection, options.domain) });
  }

  get outstanding(): number {
    return this.inbox?.outstanding ?? 0;
  }

  /** Q1, Q2: ask for more if it is worth it. */
  request(): void {
    const { inbox, waiting } = this;
    if (inbox === undefined || waiting !== undefined || !this.options.sender.isUp) return;
    if (inbox.subscription?.refusal !== undefined) return;
    const { owner } = this.options;
    const wanted = owner.free() - inbox.outstanding;
    if (wanted <= 0 || (inbox.outstanding > 0 && wanted * 4 < owner.slots())) return;
    // A limit may allow only so many in one request.
    for (let left = wanted; left > 0; ) left -= this.ask(inbox, left);
  }

  /** Returns for how many it has asked. */
  private ask(inbox: Inbox, wanted: number): number {
    const { sender, clock } = this.options;
    const request = this.limits.request(wanted);
    const count = request.batch;
    inbox.outstanding += count;
    inbox.ticksSinceRequest = 0;
    inbox.silentTicks = 0;
    inbox.requestedAtMs = clock.monotonicMs();
    sender.sendNow(this.subject, encoder.encode(pullBody(request)), `${inbox.prefix}.${++inbox.requests}.${count}`);
    return count;
  }

  /** The consumer is set up so now. */
  adopt(config: PullConfig): void {
    if (!this.limits.adopt(config)) return;
    if (this.inbox !== undefined) this.inbox.outdated = this.inbox.requests;
    this.askAtOnce();
  }

  /** Q4: forget what was asked for, and ask anew. */
  renew(): void {
    if (this.closing !== undefined) return;
    this.waiting?.cancel();
    this.waiting = undefined;
    void this.leave();
    const prefix = createInbox(this.options.inboxPrefix);
    const inbox: Inbox = {
      prefix,
      subscription: undefined,
      outstanding: 0,
      requests: 0,
      outdated: 0,
      silentTicks: 0,
      ticksSinceRequest: 0,
      requestedAtMs: 0,
    };
    this.inbox = inbox;
    const { subscriptions, holds } = this.options;
    inbox.subscription = subscriptions.subscribe(`${prefix}.>`, {
      onMessage: (message) => this.onMessage(inbox, message),
      onRefused: (error) => this.onInboxRefused(prefix, error),
      onGranted: () => {
        holds.end("subscription-refused");
        inbox.outstanding = 0; // Nobody heard what was asked for.
        this.request();
      },
    });
    this.request();
  }

  /** Ask for nothing until `renew`. */
  stop(): void {
    this.waiting?.cancel();
    this.waiting = undefined;
    void this.leave();
  }

  /** Resolves when nothing more can arrive, as far as `leave` sees to it. Never rejects. A second call joins the first. */
  close(): Promise<void> {
    this.waiting?.cancel();
    this.closing ??= this.leave();
    return this.closing;
  }

  /** Notices silence, and requests that must have ended without a word. */
  tick(): void {
    const { inbox } = this;
    if (inbox === undefined || inbox.outstanding === 0 || !this.options.sender.isUp) return;
    if (inbox.subscription?.refusal !== undefined) return;
    if (++inbox.silentTicks > SILENT_TICKS || ++inbox.ticksSinceRequest > STALE_TICKS) this.lose("it does not answer");
  }

  private async leave(): Promise<void> {
    const { inbox } = this;
    const { holds, leave, clock } = this.options;
    this.inbox = undefined;
    holds.end("pulls-refused");
    if (inbox?.subscription === undefined) return;
    const { subscription, outstanding, requestedAtMs } = inbox;
    if (subscription.refusal !== undefined) holds.end("subscription-refused");
    const askedMsAgo = outstanding > 0 ? clock.monotonicMs() - requestedAtMs : undefined;
    await leave(subscription, askedMsAgo);
  }

  private onInboxRefused(prefix: string, { message }: Error): void {
    this.options.holds.begin({
      reason: "subscription-refused",
      text: `the inbox that messages of durable "${this.options.durable}" come to was refused: ${message}`,
      remedy: `Allow this connection to subscribe to "${prefix.slice(0, prefix.lastIndexOf("."))}.>". It is tried again every few seconds.`,
    });
  }

  private onMessage(inbox: Inbox, message: Msg): void {
    try {
      inbox.silentTicks = 0;
      if (!message.reply) {
        if (inbox === this.inbox) this.onStatus(inbox, message);
        return;
      }
      if (inbox.outstanding > 0) inbox.outstanding--;
      if (this.isRefused) this.onTaken();
      if (this.limits.hasGroup) this.limits.pinId = message.headers?.get("Nats-Pin-Id") || this.limits.pinId;
      this.options.owner.arrived(message);
    } catch (unexpected) {
      this.options.owner.failed(unexpected instanceof Error ? unexpected : new Error(String(unexpected)));
    }
  }

  private onStatus(inbox: Inbox, message: Msg): void {
    const { code = 0, description = "" } = message.headers ?? {};
    if (code === 100) return this.onTaken();
    const owed = owedBy(message);
    inbox.outstanding = Math.max(0, inbox.outstanding - owed);
    switch (statusKind(code, description)) {
      case "expired":
        this.onTaken();
        this.options.owner.expired();
        return this.request();
      case "gone":
        return this.lose(description);
      case "moved":
        return this.wait();
      case "refused":
        return this.onRefused(inbox, message, `${code} ${description}`);
    }
  }

  /** Q5. */
  private onRefused(inbox: Inbox, { subject }: Msg, words: string): void {
    const number = Number(subject.split(".").at(-2));
    if (this.limits.heed(words)) inbox.outdated = inbox.requests;
    if (number <= inbox.outdated) return this.askAtOnce();
    const { stream, durable, owner, holds } = this.options;
    this.isRefused = true;
    holds.begin({
      reason: "pulls-refused",
      text: `the server refuses to hand out messages of durable "${durable}": "${words}"`,
      remedy: `Look at the limits of the consumer (\`nats consumer info ${stream} ${durable}\`) and of the server. It is asked every second.`,
    });
    this.wait();
    owner.refused();
  }

  private onTaken(): void {
    if (!this.isRefused) return;
    this.isRefused = false;
    this.options.holds.end("pulls-refused");
  }

  private askAtOnce(): void {
    this.waiting?.cancel();
    this.waiting = undefined;
    this.request();
  }

  private lose(why: string): void {
    void this.leave();
    this.options.owner.lost(why);
  }

  /** The server is busy with something else: ask again in a while. */
  private wait(): void {
    this.waiting ??= this.options.clock.after(REFUSED_WAIT_MS, () => {
      this.waiting = undefined;
      this.request();
    });
  }
}

type StatusKind = "expired" | "gone" | "moved" | "refused";

/** What the end of a pull request means. */
export function statusKind(code: number, description: string): StatusKind {
  if (code === 404 || code === 408) return "expired";
  if (code === 503 || /deleted|push based|not found/i.test(description)) return "gone";
  if (/shutdown|leadership/i.test(description)) return "moved";
  return "refused";
}

/** How many messages the request that ended had still to get: said by the server, else all it had asked for. */
function owedBy(message: Msg): number {
  const said = message.headers?.get("Nats-Pending-Messages") ?? "";
  if (said !== "") return Number(said) || 0;
  return Number(message.subject.slice(message.subject.lastIndexOf(".") + 1)) || 0;
}
