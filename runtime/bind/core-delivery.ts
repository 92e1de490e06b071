// A core NATS message as a delivery.

import type { Msg } from "@nats-io/transport-node";
import type { Delivery } from "../message/delivery.ts";
import { arrivedHeaders } from "./arrived-headers.ts";

export class CoreDelivery implements Delivery {
  readonly subject: string;
  readonly seq: number;
  readonly data: Uint8Array;
  headers: Uint8Array | undefined;
  readonly hops: number;
  readonly attempt = 1;
  /** Only where a reply may be wanted: it holds on to the whole chunk it came in. */
  readonly message: Msg | undefined;
  again = false;
  arrivedAtMs = 0;
  /** A part of its reply has been sent: the message that ends it is empty (ADR-47). */
  streamed = false;
  /** Set by the first settlement. */
  settled = false;

  constructor(message: Msg, subject: string, seq: number, replies: boolean) {
    this.message = replies ? message : undefined;
    this.subject = subject;
    this.seq = seq;
    this.data = message.data;
    const { block, hops } = arrivedHeaders(message);
    this.headers = block;
    this.hops = hops;
  }
}
