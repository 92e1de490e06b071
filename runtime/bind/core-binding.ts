// `event` and `request` handlers: one subscription in a queue group, confirmed by the server.
//
// C1  The subscription's callback never throws: a throw would silently deafen the whole connection (nats.js).
// C2  An `event` delivery is never answered: the reply subject of a JetStream publisher is where it awaits its PubAck.
// C3  `request` errors carry Nats-Service-Error-Code and Nats-Service-Error (ADR-32), and a body that says the same
//     (message/error-body.ts).
// C4  An error ends a streamed reply, as its empty last message does (ADR-47): it has no body then, but where replies are
//     packets (message/nest-packet.ts).

import { headers as createHeaders, type Msg, type NatsConnection } from "@nats-io/transport-node";
import { RuntimeError } from "../errors.ts";
import type { Binding, BindingOwner } from "../message/binding.ts";
import type { Delivery } from "../message/delivery.ts";
import { errorBody } from "../message/error-body.ts";
import type { HoldBoard } from "../message/hold.ts";
import type { Settlement } from "../message/settlement.ts";
import type { StandingSubscription, StandingSubscriptions } from "../nats/standing-subscriptions.ts";
import { CoreDelivery } from "./core-delivery.ts";

export interface CoreBindingOptions {
  readonly connection: NatsConnection;
  readonly subscriptions: StandingSubscriptions;
  readonly subject: string;
  readonly queueGroup: string;
  readonly replies: boolean;
  /** Unique to this runtime instance: ids of core messages mean something only with it. */
  readonly idPrefix: string;
  readonly owner: BindingOwner;
  /** The queue was full: the message is settled by the caller. */
  readonly onOverflow: (delivery: Delivery) => void;
  readonly holds: HoldBoard;
  readonly onFault: (error: RuntimeError) => void;
}

/** Bind, and wait for the server's word. Rejects with NATS_REFUSED when it does not let us subscribe. */
export async function bindCore(options: CoreBindingOptions): Promise<Binding> {
  const binding = new CoreBinding(options);
  // Lost meanwhile: the client subscribes again when it is back, and a refusal then is a hold.
  await options.subscriptions.answered().catch(() => undefined);
  await binding.assertAccepted();
  return binding;
}

const MAX_ERROR_TEXT_CHARS = 1_000;
/** What the headers of an error take at most: three bytes for each character, and their names. */
const SPARE_BYTES = 4_096;

type ErrorReply = Pick<Extract<Settlement, { do: "reply-error" }>, "code" | "text" | "body" | "isPacket">;

class CoreBinding implements Binding {
  readonly idPrefix: string;
  private readonly options: CoreBindingOptions;
  private readonly subscription: StandingSubscription;
  private readonly fixedSubject: string | undefined;
  private seq = 0;
  private isBound = false;

  constructor(options: CoreBindingOptions) {
    this.options = options;
    this.idPrefix = options.idPrefix;
    this.fixedSubject = /[*>]/.test(options.subject) ? undefined : options.subject;
    this.subscription = options.subscriptions.subscribe(options.subject, {
      queue: options.queueGroup,
      onMessage: (message) => this.onMessage(message),
      onRefused: (error) => this.onRefused(error),
      onGranted: () => options.holds.end("subscription-refused"),
    });
  }

  async assertAccepted(): Promise<void> {
    this.isBound = true;
    const { refusal: cause } = this.subscription;
    if (cause === undefined) return;
    await this.subscription.close();
    throw new RuntimeError("NATS_REFUSED", this.refusalText(cause), { cause, remedy: this.remedy });
  }

  apply(delivery: Delivery, settlement: Settlement): string | undefined {
    if (!(delivery instanceof CoreDelivery) || delivery.settled) return undefined;
    delivery.settled = true;
    switch (settlement.do) {
      case "done":
      case "ack":
        return undefined;
      case "reply":
        return this.reply(delivery, settlement.body);
      case "reply-error":
        this.replyError(delivery, settlement);
        return delivery.message?.reply ? `replied ${settlement.code}` : "nobody waits for a reply";
      case "dead-letter":
      case "retry":
      case "put-off":
      case "give-back":
      case "drop":
        return "dropped: a core message is delivered at most once";
    }
  }

  chunk(delivery: Delivery, data: Uint8Array): void {
    if (!(delivery instanceof CoreDelivery) || delivery.settled) return;
    delivery.streamed = true;
    this.reply(delivery, data);
  }

  roomChanged(): void {
    // Core messages come whether there is room or not.
  }

  unbind(): Promise<void> {
    return this.subscription.close();
  }

  private onMessage(message: Msg): void {
    try {
      const delivery = new CoreDelivery(
        message,
        this.fixedSubject ?? message.subject,
        ++this.seq,
        this.options.replies,
      );
      if (!this.options.owner.accept(delivery)) this.options.onOverflow(delivery);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      const text = `taking a message of "${this.options.subject}" failed: ${reason}`;
      this.options.onFault(new RuntimeError("INTERNAL", text, { cause }));
    }
  }

  /** At the bind it is an error, told by whoever bound. */
  private onRefused(cause: Error): void {
    if (!this.isBound) return;
    const { remedy } = this;
    this.options.holds.begin({ reason: "subscription-refused", text: this.refusalText(cause), remedy });
  }

  private refusalText(cause: Error): string {
    return `the subscription to "${this.options.subject}" failed: ${cause.message}`;
  }

  private get remedy(): string {
    const { subject, queueGroup } = this.options;
    return `Allow this connection to subscribe to "${subject}" in queue group "${queueGroup}". It is tried again every few seconds.`;
  }

  private reply(delivery: CoreDelivery, body: Uint8Array): string | undefined {
    const { message } = delivery;
    if (!message?.reply) return undefined;
    if (body.length > this.maxPayload) {
      const text = `the reply of ${body.length} bytes is larger than the server takes (max_payload ${this.maxPayload})`;
      this.replyError(delivery, { code: 500, text, body: errorBody(500, text) });
      return `replied 500: ${text}`;
    }
    message.respond(body);
    return undefined;
  }

  private get maxPayload(): number {
    return this.options.connection.info?.max_payload ?? Number.POSITIVE_INFINITY;
  }

  private replyError({ message, streamed }: CoreDelivery, { code, text, body, isPacket }: ErrorReply): void {
    if (!message?.reply) return;
    const headers = createHeaders();
    const line = oneLine(text);
    headers.set("Nats-Service-Error-Code", String(code));
    headers.set("Nats-Service-Error", line);
    // The code and the text matter more than the reasons in full, where the server does not take those.
    const fits = (content: string) => Buffer.byteLength(content) + SPARE_BYTES <= this.maxPayload;
    const bodies = (streamed && isPacket !== true) || body === "" ? [] : [body, errorBody(code, line)];
    message.respond(bodies.find(fits) ?? "", { headers });
  }
}

/** Header values hold no line breaks; anything else is cut, not refused. */
function oneLine(text: string): string {
  return text.replace(/[\r\n]+/g, " ").slice(0, MAX_ERROR_TEXT_CHARS);
}
