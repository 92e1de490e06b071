// Which messages of a key are run, with `debounce` and with `throttle`. Pure. A mark says what is known of the key; times are the
// NATS server's, in milliseconds since the epoch.
//
// debounce: the mark is of the newest message that has come.
//
// | the mark          | the message                                  | follows                                             |
// | none, or older    | is the newest                                | is marked, and put off; the marked one is let pass  |
// | the same          | comes before its time                        | is marked again, and put off for the rest           |
// | the same          | comes at its time, or for a retry after that | runs                                                |
// | newer, names it   | had its time come, and was not run yet       | runs                                                |
// | newer             | another one stands for it                    | is let pass                                         |
//
// Its time is `wait` after it came, and `max` after the first that waited at the latest. One that comes when the marked one's time
// has come is the first of others: it does not take the place of that one, but for its retries.
//
// throttle: the mark is of the message that was run last.
//
// | the mark              | the message                         | follows             |
// | any                   | has been run before: it is a retry  | runs                |
// | names it              | was decided on, and not run yet     | runs                |
// | not older than `every`| comes too early                     | is let pass         |
// | none, or older        |                                     | is marked, and runs |

import type { DebounceRule, ThrottleRule } from "../metadata/handler-metadata.ts";

export interface SpacedMessage {
  /** Never that of another message. */
  readonly id: string;
  readonly seq: number;
  readonly storedAtMs: number;
  /** Where it is acknowledged. */
  readonly reply: string;
  /** Counts from 1. */
  readonly deliveries: number;
  /** Of those, how many were given back: they were no attempts. */
  readonly uncharged: number;
}

interface PutOff {
  readonly id: string;
  /** So many of its deliveries were put off: they were no attempts. */
  readonly putOff: number;
}

export interface DebounceMark extends PutOff, Pick<SpacedMessage, "seq" | "storedAtMs" | "reply"> {
  /** When the first came of those that it stands for. */
  readonly sinceMs: number;
  readonly dueMs: number;
  /** Those before it whose time had come, the last one first: they may not be run yet. */
  readonly due: readonly PutOff[];
}

export interface ThrottleMark {
  readonly atMs: number;
  /** Of those that were run last, the last one first: it may be given back before it is run. */
  readonly ids: readonly string[];
}

/** What follows once the mark is written; `mark` undefined: nothing is to be written. */
export interface Decision<Mark> {
  readonly mark?: Mark | undefined;
  readonly spaced: Spaced;
  /** To be acknowledged there: the message is let pass. */
  readonly supersedes?: string | undefined;
}

export type Spaced =
  /** `putOff`: so many of its deliveries are no attempts. */
  | { readonly do: "run"; readonly putOff: number }
  | { readonly do: "put-off"; readonly delayMs: number }
  | { readonly do: "let-pass"; readonly why: string };

/** Of the server's delays, and of how well its time is known. */
const EARLY_MS = 20;
const IDS_KEPT = 8;
const DUE_KEPT = 4;
export const SUPERSEDED_TEXT = "`debounce`: a newer message of its key has come";
export const SUPERSEDED: Spaced = { do: "let-pass", why: SUPERSEDED_TEXT };
const RUN: Spaced = { do: "run", putOff: 0 };

export function debounced(
  mark: DebounceMark | undefined,
  message: SpacedMessage,
  { waitMs, maxMs = Number.POSITIVE_INFINITY }: Omit<DebounceRule, "key">,
  nowMs: number,
): Decision<DebounceMark> {
  const { id, seq, storedAtMs, reply, deliveries, uncharged } = message;
  if (mark?.id === id) {
    if (nowMs >= mark.dueMs - EARLY_MS) return { spaced: { do: "run", putOff: mark.putOff } };
    const again = { ...mark, reply, putOff: mark.putOff + 1 };
    return { mark: again, spaced: { do: "put-off", delayMs: mark.dueMs - nowMs } };
  }
  if (mark !== undefined && !isNewer(message, mark)) {
    const due = mark.due.find((one) => one.id === id);
    const hasRun = due !== undefined && deliveries - 1 > Math.max(uncharged, due.putOff);
    return { spaced: due === undefined || hasRun ? SUPERSEDED : { do: "run", putOff: due.putOff } };
  }
  const waiting = mark !== undefined && nowMs < mark.dueMs ? mark : undefined;
  const before = mark === undefined || waiting !== undefined ? [] : [{ id: mark.id, putOff: mark.putOff }];
  const sinceMs = waiting?.sinceMs ?? nowMs;
  const dueMs = Math.min(nowMs + waitMs, sinceMs + maxMs);
  return {
    mark: {
      id,
      seq,
      storedAtMs,
      reply,
      sinceMs,
      dueMs,
      putOff: 1,
      due: [...before, ...(mark?.due ?? [])].slice(0, DUE_KEPT),
    },
    spaced: { do: "put-off", delayMs: Math.max(1, dueMs - nowMs) },
    supersedes: waiting?.reply,
  };
}

export function throttled(
  mark: ThrottleMark | undefined,
  { id, deliveries, uncharged }: Pick<SpacedMessage, "id" | "deliveries" | "uncharged">,
  { everyMs }: Omit<ThrottleRule, "key">,
  nowMs: number,
): Decision<ThrottleMark> {
  const hasRun = deliveries - 1 > uncharged;
  if (hasRun || mark?.ids.includes(id) === true) return { spaced: RUN };
  const leftMs = mark === undefined ? 0 : mark.atMs + everyMs - nowMs;
  if (leftMs > 0) {
    return {
      spaced: { do: "let-pass", why: `\`throttle\`: one of its key was run less than ${everyMs} ms before it` },
    };
  }
  return { mark: { atMs: nowMs, ids: [id, ...(mark?.ids ?? [])].slice(0, IDS_KEPT) }, spaced: RUN };
}

/** In the order of their streams. */
export function isNewer(
  one: Pick<SpacedMessage, "seq" | "storedAtMs">,
  other: Pick<SpacedMessage, "seq" | "storedAtMs">,
): boolean {
  return one.storedAtMs === other.storedAtMs ? one.seq > other.seq : one.storedAtMs > other.storedAtMs;
}
