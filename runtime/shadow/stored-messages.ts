// Stored messages as a handler gets them for the first time. Nothing is changed on the server: streams/stored-messages.ts.

import type { JetStreamManager, StoredMsg } from "@nats-io/jetstream";
import { headerPairs } from "../bind/core-delivery.ts";
import { hopsOf } from "../bind/stream-delivery.ts";
import type { Delivery } from "../message/delivery.ts";
import { encodeHeaders } from "../message/header-block.ts";
import { firstStoredSince, storedIn } from "../streams/stored-messages.ts";

export interface StoredQuery {
  readonly jsm: JetStreamManager;
  readonly stream: string;
  /** What is read of it; wildcards allowed. */
  readonly subjects: readonly string[];
  readonly begin: Beginning;
  /** Most messages. */
  readonly limit: number;
}

/** What was stored then or later, in milliseconds since the Unix epoch; or what is among the last so many of the stream. */
export type Beginning = { readonly fromMs: number } | { readonly last: number };

/** In their order, up to the last that is there when it begins. Rejects with the client's errors. */
export async function* storedMessages({ jsm, stream, subjects, begin, limit }: StoredQuery): AsyncGenerator<StoredMsg> {
  const { state } = await jsm.streams.info(stream);
  const last = state.last_seq;
  const first =
    "last" in begin ? Math.max(1, last - begin.last + 1) : await firstStoredSince({ jsm, stream }, begin.fromMs, state);
  let count = 0;
  for await (const { message } of storedIn(subjects.map((subject) => ({ jsm, stream, subject, first, last })))) {
    if (++count > limit) return;
    yield message;
  }
}

/** As a handler gets it for the first time. */
export function deliveryOf({ subject, seq, time, data, header }: StoredMsg): Delivery {
  const pairs = [...headerPairs(header)];
  return {
    subject,
    data,
    headers: pairs.length === 0 ? undefined : encodeHeaders(pairs),
    seq,
    storedAtMs: time.getTime(),
    attempt: 1,
    hops: hopsOf(header),
  };
}
