// A stored message as a delivery.

import type { Msg } from "@nats-io/transport-node";
import type { Delivery } from "../message/delivery.ts";
import { encodeHeaders } from "../message/header-block.ts";
import type { AckInfo } from "../streams/ack-subject.ts";
import { copiedNumber, headersBefore, subjectBefore } from "../streams/ordered-stream.ts";
import { arrivedHeaders, headerPairs, hopsOf } from "./arrived-headers.ts";

/** What a redriven message has behind it; it stands in the message's `Dead-Letter-*` headers. */
export interface RedriveHistory {
  /** How often it was redriven, this time included. */
  readonly redriven: number;
  readonly stream: string | undefined;
  readonly sequence: number;
  readonly storedAtMs: number | undefined;
  readonly attempts: number;
  readonly firstFailedAtMs: number | undefined;
}

/** The stored message that another one is a copy of. */
export interface CopiedMessage {
  readonly stream: string;
  readonly sequence: number;
}

export interface StreamMessage {
  readonly subject: string;
  /** Of the stream that its id names. */
  readonly seq: number;
  readonly copied?: CopiedMessage | undefined;
  readonly origin: number;
  readonly storedAtMs: number | undefined;
  readonly data: Uint8Array;
  readonly headers: Uint8Array | undefined;
  readonly hops: number;
  readonly history?: RedriveHistory;
  /** Its payload and headers are elsewhere. Rejects when they cannot be had now. */
  readonly fetch?: (() => Promise<FetchedContent>) | undefined;
}

/** Of a message, however it was had. */
export type MessageContent = Pick<Msg, "subject" | "headers" | "data">;

export type FetchedContent =
  | { readonly data: Uint8Array; readonly headers: Uint8Array | undefined }
  /** Why it cannot be run: its payload is not to be had any more. */
  | { readonly missing: string };

export class StreamDelivery implements Delivery {
  readonly subject: string;
  readonly seq: number;
  readonly copied: CopiedMessage | undefined;
  readonly origin: number;
  readonly storedAtMs: number | undefined;
  data: Uint8Array;
  headers: Uint8Array | undefined;
  readonly hops: number;
  readonly info: AckInfo;
  readonly history: RedriveHistory | undefined;
  readonly fetch: (() => Promise<FetchedContent>) | undefined;
  /** Where settlements go. A redelivery of a message in hand brings a new one. */
  reply: string;
  /** Deliveries that were given back do not count. */
  attempt: number;
  again: boolean;
  arrivedAtMs = 0;
  /** Set by the first settlement. */
  settled = false;
  /** Its stream is gone, and its number is another message's: the server must not be told of it. */
  orphaned = false;
  /** Why the server will not hand it out again, should it fail. */
  usedUp: string | undefined;
  /** Since when, and how often, it was put off. */
  putOff: { readonly sinceMs: number; readonly times: number } | undefined;
  /** The round of the beat at arrival (ack-beat.ts). */
  round = 0;

  constructor(message: StreamMessage, reply: string, info: AckInfo) {
    this.subject = message.subject;
    this.seq = message.seq;
    this.copied = message.copied;
    this.origin = message.origin;
    this.storedAtMs = message.storedAtMs;
    this.again = info.deliveries > 1 || message.history !== undefined;
    this.data = message.data;
    this.headers = message.headers;
    this.hops = message.hops;
    this.history = message.history;
    this.fetch = message.fetch;
    this.info = info;
    this.reply = reply;
    this.attempt = info.deliveries;
  }
}

export function readStreamMessage(message: MessageContent, info: AckInfo, origin: number): StreamMessage {
  const { block, hops } = arrivedHeaders(message);
  return {
    // Its own, never that of the handler: the consumer may have been set to another subject meanwhile.
    subject: message.subject,
    seq: info.streamSequence,
    origin,
    storedAtMs: info.storedAtMs,
    data: message.data,
    headers: block,
    hops,
  };
}

/** A message of an ordered stream, as it was in the stream that this is a copy of. */
export function readCopy(message: MessageContent, info: AckInfo, origin: number, copyOf: string): StreamMessage {
  const { headers } = message;
  const sequence = copiedNumber(headers);
  const kept = headers === undefined ? [] : headersBefore([...headerPairs(headers)]);
  return {
    subject: subjectBefore(message.subject),
    seq: sequence ?? info.streamSequence,
    copied: sequence === undefined ? undefined : { stream: copyOf, sequence },
    origin,
    storedAtMs: info.storedAtMs,
    data: message.data,
    headers: kept.length === 0 ? undefined : encodeHeaders(kept),
    hops: hopsOf(headers),
  };
}
