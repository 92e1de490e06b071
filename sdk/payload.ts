// How the bytes of a message become what a handler receives.

/**
 * Reads payloads that are neither JSON nor wanted as bytes: protobuf, MessagePack, CloudEvents, by a library of yours.
 *
 * `{ decode: (bytes) => fromBinary(OrderSchema, bytes), encode: (order) => toBinary(OrderSchema, order) }`
 */
export interface PayloadCodec<Value = unknown> {
  /** Media type of these payloads. A message whose `Content-Type` header names another one is refused, and not decoded. */
  readonly contentType?: string | undefined;
  /** What it throws refuses the message, as a schema does. The bytes are the handler's own. */
  decode(bytes: Uint8Array): Value;
  /** Replies of a `request` handler. Without it they are JSON; bytes go as they are in any case. */
  encode?(value: never): Uint8Array;
}

/**
 * `"json"`: as the message's `Content-Type` says, JSON where it says nothing. `"bytes"`: as they came. A codec: what it
 * makes of the bytes.
 */
export type PayloadFormat = "json" | "bytes" | PayloadCodec;
