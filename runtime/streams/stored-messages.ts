// Reads messages of a stream without leaving a trace: one by one, by number, with a request that makes nothing on the server
// and changes nothing. There is no consumer, so nothing can be acknowledged.

import type { JetStreamManager, StoredMsg } from "@nats-io/jetstream";
import { ApiCode, isApiError } from "../nats/jetstream-errors.ts";

/** Messages of one subject, wildcards allowed, by their numbers: both ends are in it. */
export interface StoredRange {
  readonly jsm: JetStreamManager;
  readonly stream: string;
  readonly subject: string;
  readonly first: number;
  readonly last: number;
}

export interface StoredIn {
  readonly stream: string;
  readonly message: StoredMsg;
}

const EVERYTHING = ">";

/** Of all the ranges: in the order of their stream, and between streams by their time. Rejects with the client's errors. */
export async function* storedIn(ranges: readonly StoredRange[]): AsyncGenerator<StoredIn> {
  const sources = ranges.map((range) => ({ stream: range.stream, messages: messagesOf(range) }));
  const heads = await Promise.all(sources.map(({ messages }) => messages.next()));
  while (true) {
    const ready = sources.flatMap(({ stream }, at) => {
      const head = heads[at]!;
      return head.done === true ? [] : [{ stream, message: head.value, at }];
    });
    const first = ready.sort(byPlace)[0];
    if (first === undefined) return;
    yield first;
    heads[first.at] = await sources[first.at]!.messages.next();
  }
}

/** The lowest number from which on all is as young: numbers and times rise together. `last + 1` when nothing is. */
export async function firstStoredSince(
  { jsm, stream }: Pick<StoredRange, "jsm" | "stream">,
  fromMs: number,
  { first_seq, last_seq }: { readonly first_seq: number; readonly last_seq: number },
): Promise<number> {
  return firstSince(fromMs, first_seq, last_seq, (seq) => nextMessage({ jsm, stream, subject: EVERYTHING }, seq));
}

/** As `firstStoredSince`, of whatever gives the next message. */
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

/** The next one is asked for while one is looked at. */
async function* messagesOf(range: StoredRange): AsyncGenerator<StoredMsg> {
  let next = nextMessage(range, range.first);
  while (true) {
    const found = await next;
    if (found === undefined || found.seq > range.last) return;
    next = nextMessage(range, found.seq + 1);
    next.catch(() => undefined); // Told where it is waited for; nobody waits when no more is wanted.
    yield found;
  }
}

async function nextMessage(
  { jsm, stream, subject }: Pick<StoredRange, "jsm" | "stream" | "subject">,
  seq: number,
): Promise<StoredMsg | undefined> {
  try {
    const query = { seq, next_by_subj: subject };
    return (await jsm.streams.getMessage(stream, query)) ?? undefined;
  } catch (error) {
    if (isApiError(error, ApiCode.messageNotFound)) return undefined;
    throw error;
  }
}

function byPlace(a: StoredIn, b: StoredIn): number {
  const byNumber = a.message.seq - b.message.seq;
  return a.stream === b.stream ? byNumber : a.message.time.getTime() - b.message.time.getTime() || byNumber;
}
