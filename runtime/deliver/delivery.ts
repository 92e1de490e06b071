// One arrival of one message, as the binding hands it to the dispatcher.

/** Passed on with every publish a handler makes, so that handlers that feed each other in a circle are stopped. */
export const HOPS_HEADER = "Handlers-Hops";

export interface Delivery {
  readonly subject: string;
  readonly data: Uint8Array;
  /** Encoded headers (deliver/header-block), or undefined when the message has none. A run's span puts its context in. */
  headers: Uint8Array | undefined;
  /** Number that, with the binding's `idPrefix`, is the same for every redelivery of the same message. */
  readonly seq: number;
  /** Counts from 1. */
  readonly attempt: number;
  /** How many handlers this message has come through. */
  readonly hops: number;
  /** When it was taken in, in monotonic milliseconds; 0 before. */
  arrivedAtMs?: number;
}
