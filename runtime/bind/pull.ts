// Asks a consumer for as many messages as there are free slots, with pull requests of our own over one inbox.
//
// Q1  What is asked for and what is in hand together never exceed the slots.
// Q2  Asked for again in lots: when a quarter of the slots is free, or nothing is outstanding.
// Q3  Messages do not say which request they answer; the end of a request says how many it still owed. So only the sum
//     is kept: requested, less arrived, less owed at the end.
// Q4  When that sum can no longer be trusted (reconnect, silence, a consumer made anew), a new inbox is begun and what was
//     asked for over the old one is void: without listeners the server drops it. What still comes from it is taken.
// Q5  The subscription's callback never throws: a throw would silently deafen the whole connection (nats.js).

import { createInbox, type Msg, type NatsConnection, type Subscription } from "@nats-io/transport-node";
import type { Clock, Timer } from "../clock.ts";
import type { Uplink } from "./uplink.ts";

export interface PullOptions {
  readonly connection: NatsConnection;
  readonly uplink: Uplink;
  readonly clock: Clock;
  readonly inboxPrefix: string | undefined;
  readonly stream: string;
  readonly durable: string;
  readonly owner: PullOwner;
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
  /** The consumer, or who serves it, is not there. No pulls until `renew`. */
  lost(why: string): void;
  failed(error: Error): void;
}

/** How long a request waits for messages. */
const EXPIRES_MS = 30_000;
const HEARTBEAT_MS = 5_000;
/** To be called every so many milliseconds: `tick`. */
export const TICK_MS = 10_000;
/** Ticks without a heartbeat before the consumer is taken for gone. */
const SILENT_TICKS = 2;
/** Ticks after which every request must have ended. */
const STALE_TICKS = 4;
const REFUSED_WAIT_MS = 1_000;

interface Inbox {
  readonly prefix: string;
  subscription: Subscription | undefined;
  outstanding: number;
  requests: number;
  silentTicks: number;
  ticksSinceRequest: number;
}

const NEXT = "$JS.API.CONSUMER.MSG.NEXT";
const encoder = new TextEncoder();

export class PullSource {
  private readonly options: PullOptions;
  private readonly subject: string;
  private inbox: Inbox | undefined;
  private waiting: Timer | undefined;
  private closing: Promise<void> | undefined;

  constructor(options: PullOptions) {
    this.options = options;
    this.subject = `${NEXT}.${options.stream}.${options.durable}`;
  }

  get outstanding(): number {
    return this.inbox?.outstanding ?? 0;
  }

  /** Q1, Q2: ask for more if it is worth it. */
  request(): void {
    const { inbox, waiting } = this;
    if (inbox === undefined || waiting !== undefined || !this.options.uplink.isUp) return;
    const { owner, uplink } = this.options;
    const count = owner.free() - inbox.outstanding;
    if (count <= 0 || (inbox.outstanding > 0 && count * 4 < owner.slots())) return;
    inbox.outstanding += count;
    inbox.ticksSinceRequest = 0;
    inbox.silentTicks = 0;
    uplink.sendNow(this.subject, requestFor(count), `${inbox.prefix}.${++inbox.requests}.${count}`);
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
      silentTicks: 0,
      ticksSinceRequest: 0,
    };
    this.inbox = inbox;
    inbox.subscription = this.options.connection.subscribe(`${prefix}.>`, {
      callback: (error, message) => this.onMessage(inbox, error, message),
    });
    this.request();
  }

  /** Ask for nothing until `renew`. */
  stop(): void {
    this.waiting?.cancel();
    this.waiting = undefined;
    void this.leave();
  }

  /** Resolves when nothing more can arrive. Never rejects. A second call joins the first. */
  close(): Promise<void> {
    this.waiting?.cancel();
    this.closing ??= this.leave();
    return this.closing;
  }

  /** Notices silence, and requests that must have ended without a word. */
  tick(): void {
    const { inbox } = this;
    if (inbox === undefined || inbox.outstanding === 0 || !this.options.uplink.isUp) return;
    if (++inbox.silentTicks > SILENT_TICKS || ++inbox.ticksSinceRequest > STALE_TICKS) this.lose("it does not answer");
  }

  private async leave(): Promise<void> {
    const subscription = this.inbox?.subscription;
    this.inbox = undefined;
    try {
      await subscription?.drain();
    } catch {
      // The connection is closed, or the subscription is: nothing comes from it any more, which is what was wanted.
    }
  }

  private onMessage(inbox: Inbox, error: Error | null, message: Msg): void {
    try {
      if (error !== null) return this.options.owner.failed(error);
      inbox.silentTicks = 0;
      if (!message.reply) {
        if (inbox === this.inbox) this.onStatus(inbox, message);
        return;
      }
      if (inbox.outstanding > 0) inbox.outstanding--;
      this.options.owner.arrived(message);
    } catch (unexpected) {
      this.options.owner.failed(unexpected instanceof Error ? unexpected : new Error(String(unexpected)));
    }
  }

  private onStatus(inbox: Inbox, message: Msg): void {
    const { code = 0, description = "" } = message.headers ?? {};
    if (code === 100) return;
    const owed = owedBy(message);
    inbox.outstanding = Math.max(0, inbox.outstanding - owed);
    switch (statusKind(code, description)) {
      case "expired":
        this.options.owner.expired();
        return this.request();
      case "gone":
        return this.lose(description);
      case "moved":
      case "refused":
        return this.wait();
    }
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

function requestFor(batch: number): Uint8Array {
  return encoder.encode(`{"batch":${batch},"expires":${EXPIRES_MS}000000,"idle_heartbeat":${HEARTBEAT_MS}000000}`);
}
