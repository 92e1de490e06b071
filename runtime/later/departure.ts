// What is done with a message that the server hands out. Pure.
//
// D1  Never early: by the earliest that the server's clock can show.
// D2  A message leaves only on a delivery after one of ours has put it off: that one the server made when it was due. What was
//     cancelled before is not in the stream then, so it cannot leave; the first delivery may be older than that.

/** Counts from 1. */
export interface Handed {
  readonly deliveries: number;
  readonly dueMs: number;
  readonly nowMs: number;
}

export type Departure = { readonly do: "leave" } | { readonly do: "put-off"; readonly delayMs: number };

/** The server takes a delay of nothing for one that it may leave out. */
const LEAST_DELAY_MS = 1;

export function departure({ deliveries, dueMs, nowMs }: Handed): Departure {
  const leftMs = dueMs - nowMs;
  if (deliveries > 1 && leftMs <= 0) return { do: "leave" };
  return { do: "put-off", delayMs: Math.max(LEAST_DELAY_MS, leftMs) };
}

const FIRST_WAIT_MS = 500;
const LAST_WAIT_MS = 30_000;

/** How long it waits when it could not be published now. */
export function retryMs(deliveries: number): number {
  return Math.min(LAST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(10, Math.max(0, deliveries - 2)));
}
