// Which attempt a redelivery is. Pure.
//
// The server counts deliveries, also those that reached nobody: where a leaf node's link is cut, or a process ends behind it,
// it hands one message out ten thousands of times within a second, and nobody has run it (lingering-inboxes.ts, L1). Each may
// hand one out while it hears that nobody listens any more. So what is beyond the last attempt is told by what is written
// down when that begins; nothing is where there is one attempt only, to spare every message a write. Then a few deliveries
// more are taken for crashes: as we settle a message for good after its last attempt, many more cannot all have been runs.

/** Deliveries beyond the one attempt that crashes while a dead letter is kept may explain. */
const CRASHES = 20;

export interface AttemptCount {
  readonly attempt: number;
  /** So many reached nobody, as far as can be said. Then this is the last attempt: it is not known how many were run. */
  readonly unheard: number;
}

export interface DeliveryCount {
  readonly deliveries: number;
  readonly uncharged: number;
  /** It is written down that the last attempt began, or that cannot be known. */
  readonly lastBegan: boolean;
}

export function attemptOf({ deliveries, uncharged, lastBegan }: DeliveryCount, attempts: number): AttemptCount {
  const charged = Math.max(1, deliveries - uncharged);
  const hasCrashed = attempts === 1 ? charged <= attempts + CRASHES : lastBegan;
  if (charged <= attempts || hasCrashed) return { attempt: charged, unheard: 0 };
  return { attempt: attempts, unheard: charged - attempts };
}
