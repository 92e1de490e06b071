// What the server tells of a delivery in its reply subject. Two shapes are in use: nine tokens, and, with a domain and an
// account, eleven or more (servers from 2.14 on, where `js_ack_fc_v2` is set).

export interface AckInfo {
  readonly stream: string;
  readonly consumer: string;
  /** Counts from 1, give-backs and redeliveries of lost ones included. */
  readonly deliveries: number;
  readonly streamSequence: number;
  /** When the stream took the message, in whole milliseconds since the Unix epoch. */
  readonly storedAtMs: number;
  /** Messages of the consumer after this one. */
  readonly pending: number;
}

const SHORT = 9;
const LONG_AT_LEAST = 11;
const NS_DIGITS = 6;

/** Undefined for a reply subject that is not JetStream's. */
export function parseAckSubject(reply: string): AckInfo | undefined {
  if (!reply.startsWith("$JS.ACK.")) return undefined;
  const tokens = reply.split(".");
  if (tokens.length !== SHORT && tokens.length < LONG_AT_LEAST) return undefined;
  const at = tokens.length === SHORT ? 2 : 4;
  const deliveries = Number(tokens[at + 2]);
  const streamSequence = Number(tokens[at + 3]);
  if (!Number.isSafeInteger(deliveries) || !Number.isSafeInteger(streamSequence)) return undefined;
  return {
    stream: tokens[at]!,
    consumer: tokens[at + 1]!,
    deliveries,
    streamSequence,
    // Cut off, not divided: nanoseconds are more than a number holds, and ids are made of it.
    storedAtMs: Number(tokens[at + 5]!.slice(0, -NS_DIGITS)),
    pending: Number(tokens[at + 6]),
  };
}
