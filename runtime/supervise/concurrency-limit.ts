// Bounds how many steps run at the same time. The one goes first whose turn is due the longest.
//
// P1  Who queues keeps the place until leaving, also when a step is superseded and another one takes over.
// P2  Who is due longer and is not ready to enter yet (its version is being built) has a place kept free. So where all
//     begin anew over and over, each has its turn.
// P3  A step that becomes pointless while it waits ends at once, without having begun.

import { Superseded } from "./superseded.ts";

export interface Gate {
  /** @param dueSinceMs in monotonic milliseconds. The caller leaves in the end. */
  queue(dueSinceMs: number): Place;
}

export interface Place {
  /** Run the step once it has its turn. Rejects with Superseded when the signal aborts before that. One at a time. */
  enter<T>(step: () => Promise<T>, signal?: AbortSignal): Promise<T>;
  /** Nothing is to have a turn any more. Twice is safe. */
  leave(): void;
}

interface Queued {
  readonly dueSinceMs: number;
  /** Undefined while there is nothing to run. */
  begin: (() => void) | undefined;
  /** A step may still run; after it the place is gone. */
  hasLeft: boolean;
}

export function createConcurrencyLimit(most: number): Gate {
  const queued = new Set<Queued>();
  let running = 0;

  function admit(): void {
    // With a thousand that wait it takes a while to find the next one.
    while (running < most) {
      const next = longestDue();
      if (next === undefined || running + notReadyBefore(next) >= most) return;
      running++;
      const { begin } = next;
      next.begin = undefined;
      queued.delete(next);
      begin?.();
    }
  }

  function longestDue(): Queued | undefined {
    let first: Queued | undefined;
    for (const each of queued) {
      if (each.begin !== undefined && (first === undefined || each.dueSinceMs < first.dueSinceMs)) first = each;
    }
    return first;
  }

  /** P2. */
  function notReadyBefore({ dueSinceMs }: Queued): number {
    let count = 0;
    for (const each of queued) if (each.begin === undefined && each.dueSinceMs < dueSinceMs) count++;
    return count;
  }

  /** P1. It has nothing to run now. */
  function rest(place: Queued): void {
    place.begin = undefined;
    if (place.hasLeft) queued.delete(place);
    else queued.add(place);
    admit();
  }

  function turnOf(place: Queued, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const giveUp = () => {
        rest(place);
        reject(new Superseded());
      };
      if (signal?.aborted) return giveUp();
      signal?.addEventListener("abort", giveUp, { once: true });
      place.begin = () => {
        signal?.removeEventListener("abort", giveUp);
        resolve();
      };
      queued.add(place);
      admit();
    });
  }

  return {
    queue(dueSinceMs) {
      const place: Queued = { dueSinceMs, begin: undefined, hasLeft: false };
      queued.add(place);
      return {
        async enter(step, signal) {
          await turnOf(place, signal);
          try {
            return await step();
          } finally {
            running--;
            rest(place);
          }
        },
        leave() {
          place.hasLeft = true;
          if (place.begin === undefined) rest(place);
        },
      };
    },
  };
}
