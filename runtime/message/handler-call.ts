// A publish or a request that a handler makes while it handles a message, and the answer it gets.

/** When what is published is to leave: after so long, or at that time, in milliseconds since the Unix epoch. */
export type Later =
  | { readonly kind: "delay"; readonly delayMs: number }
  | { readonly kind: "at"; readonly atMs: number };

/** Its bytes are only sure to stay as they are in the turn of the event loop in which it is made. */
export interface HandlerCall {
  readonly kind: "publish" | "request";
  /** Who calls. */
  readonly handler: string;
  readonly subject: string;
  /** The same when the delivery runs again: lets a stream drop the repetition. */
  readonly messageId: string;
  /** The delivery may have run before, and have made this call then. */
  readonly again: boolean;
  /** Encoded headers (deliver/header-block). */
  readonly headers: Uint8Array;
  readonly payload: Uint8Array;
  readonly timeoutMs: number;
  /** Undefined: at once. */
  readonly later?: Later | undefined;
  /** Its stream is to keep it for a while only: `Nats-TTL`, among its headers, says how long. Absent: it is not. */
  readonly isBrief?: boolean;
  /** Its place among the publishes that are carried out as one; absent: it is carried out by itself. */
  readonly together?: PlaceTogether | undefined;
  /** Aborts when the worker has ended that made it: nobody waits for the answer any more. */
  readonly gone: AbortSignal;
}

/** Of calls that are carried out as one (together.ts). */
export interface PlaceTogether {
  /** Resolves as all of them are answered. `all` is called once, when the last of them has come; it never rejects. */
  carryOut(call: HandlerCall, all: CarryOutTogether): Promise<CallAnswer>;
}

/** In the order in which they were made. */
export type CarryOutTogether = (calls: readonly HandlerCall[]) => Promise<CallAnswer>;

/** Of a call that no worker waits for. */
export const NEVER_GONE: AbortSignal = new AbortController().signal;

/**
 * `code` is an HTTP-like number, as in `Nats-Service-Error-Code`; `streamCode` JetStream's own, where a stream has refused it.
 * `restUnanswered`: what is published to subjects of the same first token needs no answer from now on, as no stream takes any.
 */
export type CallAnswer =
  | { readonly ok: true; readonly body: Uint8Array; readonly restUnanswered?: true }
  | { readonly ok: false; readonly code: number; readonly message: string; readonly streamCode?: number };

/** Carries a call out. Never rejects. What is answered at once costs no promise. */
export type Call = (call: HandlerCall) => CallAnswer | Promise<CallAnswer>;

/** A copy, for whoever has to wait before it can be carried out. */
export function lasting(call: HandlerCall): HandlerCall {
  const { kind, handler, subject, messageId, again, timeoutMs, later, isBrief = false, together, gone } = call;
  const headers = Buffer.from(call.headers);
  const payload = Buffer.from(call.payload);
  return { kind, handler, subject, messageId, again, headers, payload, timeoutMs, later, isBrief, together, gone };
}
