// Stored messages as a handler gets them for the first time. Nothing is changed on the server: streams/stored-messages.ts.

import type { JetStreamManager, StoredMsg } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { headerPairs, hopsOf } from "../bind/arrived-headers.ts";
import { RuntimeError } from "../errors.ts";
import type { Delivery } from "../message/delivery.ts";
import { encodeHeaders } from "../message/header-block.ts";
import { managerOf } from "../nats/jetstream.ts";
import { ApiCode, isApiError, jetStreamError } from "../nats/jetstream-errors.ts";
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

/** One of them. Rejects with USAGE when it is not there, else with STREAM_REFUSED or NATS_REFUSED. */
export async function storedDelivery(connection: NatsConnection, stream: string, seq: number): Promise<Delivery> {
  try {
    const jsm = await managerOf(connection);
    const found = await jsm.streams.getMessage(stream, { seq });
    if (found !== null) return deliveryOf(found);
  } catch (error) {
    const isGone = isApiError(error, ApiCode.messageNotFound, ApiCode.streamNotFound);
    const doing = `message ${seq} of stream "${stream}" could not be read`;
    if (!isGone) throw jetStreamError(error, { connection, code: "STREAM_REFUSED", doing });
  }
  throw new RuntimeError("USAGE", `stream "${stream}" has no message ${seq}`, {
    remedy: "It may be handled and gone, or of another stream: `nats stream ls` shows them.",
  });
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
