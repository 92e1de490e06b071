// Makes a stream as we would like it, or with less where the server, the account or the cluster has no more to give.
//
// W1  Only what is wished for is lowered; what somebody has stated is no wish.
// W2  Bytes go first, then copies. The server sets `max_bytes` aside when a stream is made, once for each copy.
// W3  The window of message ids goes down to what the server says that it allows; where that cannot be read, the server chooses.

import type { StreamConfig } from "@nats-io/jetstream";
import { apiErrorIn } from "../nats/jetstream-errors.ts";

/** What may be lowered. */
export type Wish = Partial<Pick<StreamConfig, "max_bytes" | "num_replicas" | "duplicate_window">>;

/** 10047: storage of the server; 10023, 10028: memory, account; 10122: bytes of a stream; 10005: no server has so much. */
const TOO_MANY_BYTES = [10047, 10028, 10023, 10122, 10002, 10005];
/** 10074: no cluster; 10120: no limits of the account for so many copies. */
const TOO_MANY_COPIES = [10074, 10120];
const INVALID_SETTING = 10052;

const LEAST_BYTES = 1024 ** 2;

/** @param make is called until it resolves, or rejects for want of something that cannot be lowered */
export async function withinLimits<T>(wish: Wish, make: (granted: Wish) => Promise<T>): Promise<T> {
  for (let asked = wish; ; ) {
    try {
      return await make(asked);
    } catch (error) {
      const less = lowered(asked, wish, error);
      if (less === undefined) throw error;
      asked = less;
    }
  }
}

/** Undefined: nothing that would help. Pure. */
export function lowered(asked: Wish, wish: Wish, error: unknown): Wish | undefined {
  const refusal = apiErrorIn(error);
  if (refusal === undefined) return undefined;
  if (TOO_MANY_BYTES.includes(refusal.code)) return fewerBytes(asked) ?? fewerCopies(asked, wish);
  if (TOO_MANY_COPIES.includes(refusal.code)) return fewerCopies(asked, wish);
  return refusal.code === INVALID_SETTING ? shorterWindow(asked, refusal.message) : undefined;
}

/** W2. */
function fewerBytes(asked: Wish): Wish | undefined {
  const bytes = Math.floor((asked.max_bytes ?? 0) / 4);
  return bytes < LEAST_BYTES ? undefined : { ...asked, max_bytes: bytes };
}

function fewerCopies(asked: Wish, wish: Wish): Wish | undefined {
  const copies = asked.num_replicas ?? 1;
  if (copies <= 1) return undefined;
  const bytes = wish.max_bytes === undefined ? {} : { max_bytes: wish.max_bytes };
  // An even number survives no more losses than the odd one below it.
  return { ...asked, ...bytes, num_replicas: copies > 3 ? 3 : 1 };
}

/** W3. */
function shorterWindow({ duplicate_window: windowNs, ...asked }: Wish, said: string): Wish | undefined {
  if (windowNs === undefined) return undefined;
  const allowedNs = goDurationNs(/ limit of (\S+)/.exec(said)?.[1] ?? "");
  return allowedNs > 0 && allowedNs < windowNs ? { ...asked, duplicate_window: allowedNs } : asked;
}

const NS: Readonly<Record<string, number>> = { h: 3_600e9, m: 60e9, s: 1e9, ms: 1e6 };

/** `1h30m0s`, as the server writes it; 0 for what is no duration. */
function goDurationNs(text: string): number {
  const parts = [...text.matchAll(/([\d.]+)(ms|h|m|s)/g)];
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * NS[unit!]!, 0);
}
