// Reads messages of a stream without leaving a trace: one by one, by number, with a request that makes nothing on the server
// and changes nothing. There is no consumer, so nothing can be acknowledged.

import type { JetStreamManager, StoredMsg } from "@nats-io/jetstream";
import { headerPairs } from "../bind/core-delivery.ts";
import { hopsOf } from "../bind/stream-delivery.ts";
import type { Delivery } from "../message/delivery.ts";
import { encodeHeaders } from "../message/header-block.ts";
import { ApiCode, isApiError } from "../nats/jetstream-errors.ts";

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

const EVERYTHING = ">";

/** In their order, up to the last that is there when it begins. Rejects with the client's errors. */
export async function* storedMessages({ jsm, stream, subjects, begin, limit }: StoredQuery): AsyncGenerator<StoredMsg> {
  const { state } = await jsm.streams.info(stream);
  const next = (seq: number, subject: string) => nextMessage(jsm, stream, seq, subject);
  let seq =
    "last" in begin
      ? Math.max(1, state.last_seq - begin.last + 1)
      : await firstSince(begin.fromMs, state.first_seq, state.last_seq, (at) => next(at, EVERYTHING));
  const heads = new Map<string, StoredMsg | undefined>();
  for (let count = 0; count < limit; count++) {
    for (const subject of subjects) {
      const head = heads.get(subject);
      if (!heads.has(subject) || (head !== undefined && head.seq < seq)) heads.set(subject, await next(seq, subject));
    }
    const first = [...heads.values()].filter((head) => head !== undefined).sort((a, b) => a.seq - b.seq)[0];
    if (first === undefined || first.seq > state.last_seq) return;
    yield first;
    seq = first.seq + 1;
  }
}

/** The lowest number from which on all is as young: numbers and times rise together. */
export async function firstSince(
  fromMs: number,
  first: number,
  last: number,
  next: (seq: number) => Promise<Pick<StoredMsg, "seq" | "time"> | undefined>,
): Promise<number> {
  let [low, high] = [Math.max(1, first), last + 1];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const found = await next(middle);
    if (found === undefined || found.time.getTime() >= fromMs) high = middle;
    else low = found.seq + 1;
  }
  return low;
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

async function nextMessage(
  jsm: JetStreamManager,
  stream: string,
  seq: number,
  subject: string,
): Promise<StoredMsg | undefined> {
  try {
    const query = { seq, next_by_subj: subject };
    return (await jsm.streams.getMessage(stream, query)) ?? undefined;
  } catch (error) {
    if (isApiError(error, ApiCode.messageNotFound)) return undefined;
    throw error;
  }
}
