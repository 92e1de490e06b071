// The place of one worker in a dispatcher: what it has been handed, until it has ended or the worker has.

import type { Delivery } from "../message/delivery.ts";
import type { WorkerEvents } from "../message/worker-port.ts";
import type { Death } from "./suspicions.ts";

export interface WorkerPlace<T = Delivery> extends WorkerEvents {
  /** Messages that have been handed over and have not ended. */
  readonly inFlight: number;
  /** What the worker died of; undefined while it lives. */
  readonly death: Death | undefined;
  handOver(delivery: T, nowMs: number): void;
  /** What has been handed over need not wait for more. Only where it would. */
  begin?(): void;
  /** Give up what has not begun, to be handed to somebody else or later. Only where something waits here. */
  takeBack?(): T[];
  /** Nothing more is handed over. Resolves when nothing is in flight any more, or the worker is gone. */
  empty(): Promise<void>;
  /** Subjects in flight, for the report of a drain that did not end. */
  describeInFlight(): string[];
}
