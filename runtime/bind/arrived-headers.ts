// The headers of a message that has arrived, in the form in which they go on (message/header-block.ts).

import type { Msg, MsgHdrs } from "@nats-io/transport-node";
import { HOPS_HEADER } from "../message/delivery.ts";
import { encodeHeaders } from "../message/header-block.ts";
import { rawBlockOf, valueIn } from "../nats/raw-block.ts";

export interface ArrivedHeaders {
  /** Undefined: it has none. */
  readonly block: Uint8Array | undefined;
  readonly hops: number;
}

const NONE: ArrivedHeaders = { block: undefined, hops: 0 };

export function arrivedHeaders(message: Pick<Msg, "headers">): ArrivedHeaders {
  const block = rawBlockOf(message);
  if (block !== undefined) return { block, hops: Number(valueIn(block, HOPS_HEADER)) || 0 };
  const { headers } = message;
  if (headers === undefined) return NONE;
  return { block: encodeHeaders(headerPairs(headers)), hops: hopsOf(headers) };
}

export function hopsOf(headers: MsgHdrs | undefined): number {
  return headers === undefined ? 0 : Number(headers.get(HOPS_HEADER)) || 0;
}

export function* headerPairs(headers: Iterable<[string, string[]]>): Generator<[string, string]> {
  for (const [name, values] of headers) {
    for (const value of values) yield [name, value];
  }
}
