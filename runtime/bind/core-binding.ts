// `event` and `request` handlers: a subscription for each subject, in a queue group or not,
// confirmed by the server.
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
import { hasWildcards } from "../metadata/subject.ts";
import type { StandingSubscription, StandingSubscriptions } from "../nats/standing-subscriptions.ts";
import { CoreDelivery } from "./core-delivery.ts";
import { SharedHolds } from "./shared-holds.ts";

export interface CoreBindingOptions {
  readonly connection: NatsConnection;
  readonly subscriptions: StandingSubscriptions;
  readonly subjects: readonly string[];
  /** Undefined: whoever subscribes has every message. */
  readonly queueGroup: string | undefined;
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

interface Subscribed {
  readonly subject: string;
  readonly subscription: StandingSubscription;
}

class CoreBinding implements Binding {
  readonly idPrefixes: readonly string[];
  private readonly options: CoreBindingOptions;
  private readonly subscriptions: readonly Subscribed[];
  private seq = 0;
  private isBound = false;

  constructor(options: CoreBindingOptions) {
    this.options = options;
    this.idPrefixes = [options.idPrefix];
    const holds = new SharedHolds(options.holds);
    this.subscriptions = options.subjects.map((subject) => this.subscribe(subject, holds.boardOf(subject)));
  }

  private subscribe(subject: string, holds: HoldBoard): Subscribed {
    const { queueGroup: queue } = this.options;
    const fixedSubject = hasWildcards(subject) ? undefined : subject;
    const subscription = this.options.subscriptions.subscribe(subject, {
      ...(queue === undefined ? {} : { queue }),
      onMessage: (message) => this.onMessage(message, fixedSubject),
      onRefused: (error) => this.onRefused(subject, error, holds),
      onGranted: () => holds.end("subscription-refused"),
    });
    return { subject, subscription };
  }

  async assertAccepted(): Promise<void> {
    this.isBound = true;
    const refused = this.subscriptions.find(({ subscription }) => subscription.refusal !== undefined);
    if (refused === undefined) return;
    const { subject, subscription } = refused;
    const { refusal: cause } = subscription;
    await this.unbind();
    throw new RuntimeError("NATS_REFUSED", refusalText(subject, cause!), { cause, remedy: this.remedyFor(subject) });
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
      case "run-again":
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

  async unbind(): Promise<void> {
    await Promise.all(this.subscriptions.map(({ subscription }) => subscription.close()));
  }

  private onMessage(message: Msg, fixedSubject: string | undefined): void {
    try {
      const delivery = new CoreDelivery(message, fixedSubject ?? message.subject, ++this.seq, this.options.replies);
      if (!this.options.owner.accept(delivery)) this.options.onOverflow(delivery);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      const text = `taking a message of "${message.subject}" failed: ${reason}`;
      this.options.onFault(new RuntimeError("INTERNAL", text, { cause }));
    }
  }

  /** At the bind it is an error, told by whoever bound. */
  private onRefused(subject: string, cause: Error, holds: HoldBoard): void {
    if (!this.isBound) return;
    const remedy = this.remedyFor(subject);
    holds.begin({ reason: "subscription-refused", text: refusalText(subject, cause), remedy });
  }

  private remedyFor(subject: string): string {
    const { queueGroup } = this.options;
    const group = queueGroup === undefined ? "" : ` in queue group "${queueGroup}"`;
    return `Allow this connection to subscribe to "${subject}"${group}. It is tried again every few seconds.`;
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

function refusalText(subject: string, { message }: Error): string {
  return `the subscription to "${subject}" failed: ${message}`;
}

/** Header values hold no line breaks; anything else is cut, not refused. */
function oneLine(text: string): string {
  return text.replace(/[\r\n]+/g, " ").slice(0, MAX_ERROR_TEXT_CHARS);
}
