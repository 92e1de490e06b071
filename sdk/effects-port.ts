// What `effect` is given by a message's context, and authors are not.

import type { PublishOptions } from "./context.ts";

// A handler may bring a copy of the sdk of its own, so the port is known by this mark.
export const EFFECTS: unique symbol = Symbol.for("nats-handlers.effects") as never;

export type OutgoingTarget = string | { readonly subject: string };

/** A message that is published later, as `ctx.publish` would have encoded it. */
export interface PreparedMessage {
  /** Where it goes. */
  readonly subject: string;
  /** Its content. */
  readonly payload: Uint8Array;
}

export interface EffectsPort {
  /** Name of the app. */
  readonly app: string;
  /** Name of the handler. */
  readonly handler: string;
  /** Of the handler. */
  readonly kind: "event" | "durable" | "request";
  /** Set so many numbers of calls aside, and give the first: no other call of the run has them. */
  reserve(count: number): number;
  /** Throws what `ctx.publish` would throw. */
  prepare(target: OutgoingTarget, data: unknown, options: PublishOptions | undefined): PreparedMessage;
  /** As `ctx.publish`, as the call of that number: its message id is made of it. */
  publishAs(call: number, message: PreparedMessage, options: PublishOptions): Promise<void>;
}
