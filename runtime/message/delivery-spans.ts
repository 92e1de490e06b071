// What tracing wants of a message's way: where a run begins, and how it ended.

import type { Delivery } from "./delivery.ts";
import type { Outcome } from "./outcome.ts";
import type { WorkerPort } from "./worker-port.ts";

/** What the runs of one worker have in common. */
export interface RunsAbout {
  readonly handler: string;
  /** Of the bundle. */
  readonly version: string;
  /** As the handler's metadata has them, wildcards included. */
  readonly subjects: readonly string[];
  /** Queue group or durable consumer: one for all origins of deliveries, or one for each. */
  readonly groups: readonly string[];
  readonly idPrefixes: readonly string[];
}

export interface DeliverySpans {
  /** The worker, with a span begun for each delivery it is handed. */
  around(worker: WorkerPort, about: RunsAbout): WorkerPort;
  /** End the delivery's span, if it has one. */
  ended(delivery: Delivery, outcome: Outcome): void;
}
