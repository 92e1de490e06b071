// One arrival of one message, as the binding hands it to the dispatcher.

/** Passed on with every publish a handler makes, so that handlers that feed each other in a circle are stopped. */
export const HOPS_HEADER = "Handlers-Hops";

/** Of a scheduled run: the time for which it was planned, as in an ISO date. */
export const SCHEDULED_FOR_HEADER = "Handlers-Scheduled-For";

/** Of a stored message that an operator has sent to its handler again: when that replay began, as in an ISO date. */
export const REPLAYED_HEADER = "Handlers-Replayed";

export interface Delivery {
  readonly subject: string;
  readonly data: Uint8Array;
  /** Encoded headers (deliver/header-block), or undefined when the message has none. A run's span puts its context in. */
  headers: Uint8Array | undefined;
  /** With the binding's id prefix and `storedAtMs` it makes the message's id (message-id.ts). */
  readonly seq: number;
  /** Which of the binding's id prefixes that is: what comes from several streams is counted in each. 0 where it is not said. */
  readonly origin?: number;
  /** When its stream took it, in whole milliseconds since the Unix epoch; undefined: no stream holds it. */
  readonly storedAtMs?: number | undefined;
  /** It may have run before, here or elsewhere: what it publishes may be in its stream already. */
  again?: boolean;
  /** Counts from 1. */
  readonly attempt: number;
  /** How many handlers this message has come through. */
  readonly hops: number;
  /** When it was taken in, in monotonic milliseconds; 0 before. */
  arrivedAtMs?: number;
}
