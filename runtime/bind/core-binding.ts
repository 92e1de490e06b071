// `event` and `request` handlers: one subscription in a queue group, confirmed by the server.
//
// C1  The subscription's callback never throws: a throw would silently deafen the whole connection (nats.js).
// C2  An `event` delivery is never answered: the reply subject of a JetStream publisher is where it awaits its PubAck.
// C3  `request` errors carry Nats-Service-Error-Code and Nats-Service-Error (ADR-32).
// C4  Error replies end a streamed reply, as its empty last message does (ADR-47).

import { headers as createHeaders, type Msg, type NatsConnection, type Subscription } from "@nats-io/transport-node";
import type { Delivery } from "../deliver/delivery.ts";
import type { Settlement } from "../deliver/settle.ts";
import { RuntimeError } from "../errors.ts";
import type { Binding, BindingOwner } from "./binding.ts";
import { CoreDelivery } from "./core-delivery.ts";

export interface CoreBindingOptions {
  readonly connection: NatsConnection;
  readonly subject: string;
  readonly queueGroup: string;
  readonly replies: boolean;
  /** Unique to this runtime instance: ids of core messages mean something only with it. */
  readonly idPrefix: string;
  readonly owner: BindingOwner;
  /** The queue was full: the message is settled by the caller. */
  readonly onOverflow: (delivery: Delivery) => void;
  /** The subscription ended by itself, as when permission was taken away. */
  readonly onLost: (error: RuntimeError) => void;
}

/** Bind, and wait for the server's word. Rejects with NATS_REFUSED when it does not let us subscribe. */
export async function bindCore(options: CoreBindingOptions): Promise<Binding> {
  const binding = new CoreBinding(options);
  // Lost meanwhile: the client subscribes again when it is back, and a refusal then ends in `onLost`.
  await options.connection.flush().catch(() => undefined);
  binding.assertAccepted();
  return binding;
}

const MAX_ERROR_TEXT_CHARS = 1_000;
/** What the headers of an error take at most: three bytes for each character, and their names. */
const SPARE_BYTES = 4_096;

class CoreBinding implements Binding {
  readonly idPrefix: string;
  private readonly options: CoreBindingOptions;
  private readonly subscription: Subscription;
  private readonly fixedSubject: string | undefined;
  private seq = 0;
  private refusal: RuntimeError | undefined;
  private unbinding: Promise<void> | undefined;

  constructor(options: CoreBindingOptions) {
    this.options = options;
    this.idPrefix = options.idPrefix;
    this.fixedSubject = /[*>]/.test(options.subject) ? undefined : options.subject;
    this.subscription = options.connection.subscribe(options.subject, {
      queue: options.queueGroup,
      callback: (error, message) => this.onMessage(error, message),
    });
  }

  assertAccepted(): void {
    if (this.refusal !== undefined) throw this.refusal;
  }

  apply(delivery: Delivery, settlement: Settlement): string | undefined {
    if (!(delivery instanceof CoreDelivery) || delivery.settled) return undefined;
    delivery.settled = true;
    switch (settlement.do) {
      case "done":
      case "ack":
        return undefined;
      case "reply":
        return this.reply(delivery.message, settlement.body);
      case "reply-error":
        this.replyError(delivery.message, settlement.code, settlement.text, settlement.body);
        return delivery.message?.reply ? `replied ${settlement.code}` : "nobody waits for a reply";
      case "dead-letter":
      case "retry":
      case "give-back":
      case "drop":
        return "dropped: a core message is delivered at most once";
    }
  }

  chunk(delivery: Delivery, data: Uint8Array): void {
    if (delivery instanceof CoreDelivery && !delivery.settled) this.reply(delivery.message, data);
  }

  roomChanged(): void {
    // Core messages come whether there is room or not.
  }

  unbind(): Promise<void> {
    this.unbinding ??= this.drain();
    return this.unbinding;
  }

  /** The client's `drain` unsubscribes and waits for the server's word that nothing more is on its way. */
  private async drain(): Promise<void> {
    try {
      await this.subscription.drain();
    } catch {
      // The connection is closed, or the subscription is: nothing comes from it any more, which is what was wanted.
    }
  }

  private onMessage(error: Error | null, message: Msg): void {
    try {
      if (error !== null) return this.onError(error);
      const delivery = new CoreDelivery(
        message,
        this.fixedSubject ?? message.subject,
        ++this.seq,
        this.options.replies,
      );
      if (!this.options.owner.accept(delivery)) this.options.onOverflow(delivery);
    } catch (unexpected) {
      this.onError(unexpected instanceof Error ? unexpected : new Error(String(unexpected)));
    }
  }

  private onError(cause: Error): void {
    const { subject, queueGroup } = this.options;
    const error = new RuntimeError("NATS_REFUSED", `the subscription to "${subject}" failed: ${cause.message}`, {
      cause,
      remedy: `Allow this connection to subscribe to "${subject}" in queue group "${queueGroup}".`,
    });
    this.refusal = error;
    this.options.onLost(error);
  }

  private reply(message: Msg | undefined, body: Uint8Array): string | undefined {
    if (!message?.reply) return undefined;
    if (body.length > this.maxPayload) {
      const text = `the reply of ${body.length} bytes is larger than the server takes (max_payload ${this.maxPayload})`;
      this.replyError(message, 500, text, undefined);
      return `replied 500: ${text}`;
    }
    message.respond(body);
    return undefined;
  }

  private get maxPayload(): number {
    return this.options.connection.info?.max_payload ?? Number.POSITIVE_INFINITY;
  }

  private replyError(message: Msg | undefined, code: number, text: string, body: string | undefined): void {
    if (!message?.reply) return;
    const headers = createHeaders();
    headers.set("Nats-Service-Error-Code", String(code));
    headers.set("Nats-Service-Error", oneLine(text));
    // The code and the text matter more than the reasons in full, where the server does not take those.
    const fits = Buffer.byteLength(body ?? "") + SPARE_BYTES <= this.maxPayload;
    message.respond(fits ? body : "", { headers });
  }
}

/** Header values hold no line breaks; anything else is cut, not refused. */
function oneLine(text: string): string {
  return text.replace(/[\r\n]+/g, " ").slice(0, MAX_ERROR_TEXT_CHARS);
}
