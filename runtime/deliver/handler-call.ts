// A publish or a request that a handler makes while it handles a message, and the answer it gets.

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
