// Which attempt a redelivery is. Pure.
//
// The server counts deliveries, also those that reached nobody: where a leaf node's link is cut, or a process ends behind it,
// it hands one message out ten thousands of times within a second, and nobody has run it (lingering-inboxes.ts, L1). As we
// settle a message for good after its last attempt, more deliveries than that and a few crashes cannot all have been runs.

/** Deliveries beyond the attempts that crashes while a dead letter is kept may explain. */
const CRASHES = 20;

export interface AttemptCount {
  readonly attempt: number;
  /** So many reached nobody, as far as can be said. Then this is the last attempt: it is not known how many were run. */
  readonly unheard: number;
}

export function attemptOf(deliveries: number, uncharged: number, attempts: number): AttemptCount {
  const charged = Math.max(1, deliveries - uncharged);
  if (charged <= attempts + CRASHES) return { attempt: charged, unheard: 0 };
  return { attempt: attempts, unheard: charged - attempts };
}
