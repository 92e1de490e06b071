// A stored message as a delivery. Headers are decoded only for messages that have some.

import type { Msg, MsgHdrs } from "@nats-io/transport-node";
import { type Delivery, HOPS_HEADER } from "../deliver/delivery.ts";
import { encodeHeaders } from "../deliver/header-block.ts";
import type { AckInfo } from "./ack-subject.ts";
import { headerPairs } from "./core-delivery.ts";

/** What a redriven message has behind it; it stands in the message's `Dead-Letter-*` headers. */
export interface RedriveHistory {
  /** How often it was redriven, this time included. */
  readonly redriven: number;
  readonly stream: string | undefined;
  readonly sequence: number;
  readonly attempts: number;
  readonly firstFailedAtMs: number | undefined;
}

export interface StreamMessage {
  readonly subject: string;
  readonly seq: number;
  readonly data: Uint8Array;
  readonly headers: Uint8Array | undefined;
  readonly hops: number;
  readonly history?: RedriveHistory;
  /** Why it cannot be run: its payload is not to be had. */
  readonly missing?: string;
}

export class StreamDelivery implements Delivery {
  readonly subject: string;
  readonly seq: number;
  readonly data: Uint8Array;
  headers: Uint8Array | undefined;
  readonly hops: number;
  readonly info: AckInfo;
  readonly history: RedriveHistory | undefined;
  readonly missing: string | undefined;
  /** Where settlements go. A redelivery of a message in hand brings a new one. */
  reply: string;
  /** Deliveries that were given back do not count. */
  attempt: number;
  arrivedAtMs = 0;
  /** Set by the first settlement. */
  settled = false;
  /** The intake's tick at arrival: what came since the last one needs no `working()` yet. */
  tick = 0;

  constructor(message: StreamMessage, reply: string, info: AckInfo) {
    this.subject = message.subject;
    this.seq = message.seq;
    this.data = message.data;
    this.headers = message.headers;
    this.hops = message.hops;
    this.history = message.history;
    this.missing = message.missing;
    this.info = info;
    this.reply = reply;
    this.attempt = info.deliveries;
  }
}

/** @param fixedSubject of a handler without wildcards: saves decoding the message's */
export function readStreamMessage(message: Msg, info: AckInfo, fixedSubject: string | undefined): StreamMessage {
  const { headers } = message;
  return {
    subject: fixedSubject ?? message.subject,
    seq: info.streamSequence,
    data: message.data,
    headers: headers === undefined ? undefined : encodeHeaders(headerPairs(headers)),
    hops: hopsOf(headers),
  };
}

export function hopsOf(headers: MsgHdrs | undefined): number {
  return headers === undefined ? 0 : Number(headers.get(HOPS_HEADER)) || 0;
}
