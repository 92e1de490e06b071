// A worker that has a share of the messages for itself (D6 of the dispatcher), and how it is told which version ran one.

import type { Delivery } from "../message/delivery.ts";
import type { Outcome } from "../message/outcome.ts";
import type { BatchOwner } from "./batch-lane.ts";
import type { WorkerPlace } from "./worker-place.ts";

export interface Share {
  readonly lane: WorkerPlace;
  takes(delivery: Delivery): boolean;
}

interface ToldVersions extends BatchOwner {
  settled(delivery: Delivery, outcome: Outcome, tookMs: number, version?: string): void;
}

/** The owner of a lane whose worker runs that version. */
export function tellingVersion(owner: ToldVersions, version: string): BatchOwner {
  return {
    settled: (delivery, outcome, tookMs) => owner.settled(delivery, outcome, tookMs, version),
    chunk: (delivery, data) => owner.chunk(delivery, data),
    inSlot: (delivery, isInSlot) => owner.inSlot(delivery, isInSlot),
    halved: (count, outcome) => owner.halved(count, outcome),
    progressed: () => owner.progressed(),
    ended: (lane, left) => owner.ended(lane, left),
  };
}
