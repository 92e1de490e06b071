// The places of a handler's workers: those that get deliveries, and those that only finish what they have.

import type { Delivery } from "../message/delivery.ts";
import type { Running, WorkerPlace } from "./worker-place.ts";

export class Lanes {
  readonly open = new Set<WorkerPlace>();
  private readonly draining = new Set<WorkerPlace>();

  /** It gets nothing more. */
  drain(lane: WorkerPlace): void {
    this.open.delete(lane);
    this.draining.add(lane);
  }

  gone(lane: WorkerPlace): void {
    this.open.delete(lane);
    this.draining.delete(lane);
  }

  /** Whoever waits for others to join is to begin. */
  beginAll(): void {
    for (const lane of this.open) lane.begin?.();
  }

  describeInFlight(): string[] {
    return this.all.flatMap((lane) => lane.describeInFlight());
  }

  /** In every worker, oldest first in each. */
  running(): Running[] {
    return this.all.flatMap((lane) => lane.running());
  }

  /** Undefined when none runs that is meant. Resolves when it has ended. */
  cancel(isMeant: (delivery: Delivery) => boolean, by: string): Promise<void> | undefined {
    for (const lane of this.all) {
      const ended = lane.cancel(isMeant, by);
      if (ended !== undefined) return ended;
    }
    return undefined;
  }

  private get all(): readonly WorkerPlace[] {
    return [...this.open, ...this.draining];
  }
}
