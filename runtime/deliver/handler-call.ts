// A publish or a request that a handler makes while it handles a message, and the answer it gets.

/** Its bytes are only sure to stay as they are in the turn of the event loop in which it is made. */
export interface HandlerCall {
  readonly kind: "publish" | "request";
  readonly subject: string;
  /** The same when the delivery runs again: lets a stream drop the repetition. */
  readonly messageId: string;
  /** Encoded headers (deliver/header-block). */
  readonly headers: Uint8Array;
  readonly payload: Uint8Array;
  readonly timeoutMs: number;
}

/** `code` is an HTTP-like number, as in `Nats-Service-Error-Code`. */
export type CallAnswer =
  | { readonly ok: true; readonly body: Uint8Array }
  | { readonly ok: false; readonly code: number; readonly message: string };

/** Carries a call out. Never rejects. What is answered at once costs no promise. */
export type Call = (call: HandlerCall) => CallAnswer | Promise<CallAnswer>;

/** A copy, for whoever has to wait before it can be carried out. */
export function lasting({ kind, subject, messageId, headers, payload, timeoutMs }: HandlerCall): HandlerCall {
  return { kind, subject, messageId, headers: Buffer.from(headers), payload: Buffer.from(payload), timeoutMs };
}
