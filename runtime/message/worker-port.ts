// What the dispatcher asks of a worker, and what a worker tells the dispatcher. The worker process implements the one,
// the dispatcher the other; tests put a fake in the place of the process.

import type { Delivery } from "./delivery.ts";
import type { Outcome, WorkerExit } from "./outcome.ts";

export type AbortWhy = "timeout" | "cancelled";

export interface WorkerPort {
  readonly pid: number;
  /** Put the delivery into the current batch. `id` is unique among those in flight in this worker. */
  deliver(id: number, delivery: Delivery): void;
  /** The same for messages that are to run together, under one number. */
  deliverBatch(id: number, deliveries: readonly Delivery[]): void;
  /** Abort the delivery's signal, and ask for a sign of life. */
  abort(id: number, why: AbortWhy): void;
  /**
   * The stack of a worker that does not answer, or undefined when it cannot be had. Never rejects; ends with the process.
   */
  whereBlocked(): Promise<string | undefined>;
  /** Kill the process. Deliveries in flight are reported through `exited`, which carries the reason. */
  terminate(because?: string): void;
}

export interface WorkerEvents {
  /** `count` deliveries from `firstId` on returned without a reply. */
  done(firstId: number, count: number): void;
  ended(id: number, outcome: Outcome): void;
  /** How the message at that place of a batch, from 0, has ended; the batch itself ends after it. Only where there are batches. */
  named?(id: number, at: number, outcome: Outcome): void;
  /** The function has returned, and the message is settled later; within `leaseMs`. Only where there are no batches. */
  deferred?(id: number, leaseMs: number): void;
  /** One message of a streamed reply. */
  chunk(id: number, data: Uint8Array): void;
  /** The delivery waits in the worker behind an earlier one of its key: its clock stands still until it has begun. */
  held(id: number): void;
  begun(id: number): void;
  /** The worker's event loop answered. */
  alive(): void;
  exited(exit: WorkerExit): void;
}
