// The place of one worker in a dispatcher: what it has been handed, until it has ended or the worker has; and what it and its
// owner say to each other.

import type { Delivery } from "../message/delivery.ts";
import type { Outcome } from "../message/outcome.ts";
import type { WorkerEvents, WorkerPort } from "../message/worker-port.ts";
import type { Death } from "./suspicions.ts";

/** What a worker runs: a message, or a batch of them (batch.ts). */
export interface Handed {
  readonly subject: string;
  again?: boolean;
}

/** The worker, as far as its place looks. */
export interface LanePort<T> extends Pick<WorkerPort, "abort" | "whereBlocked" | "terminate"> {
  deliver(id: number, delivery: T): void;
}

/** One that runs. */
export interface Running<T = Delivery> {
  readonly delivery: T;
  readonly sinceMs: number;
  /** Its function has returned, and it waits to be settled. */
  readonly isDeferred?: true;
}

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
  /** Oldest first. */
  running(): Running<T>[];
  /** L7 of the lane. Undefined when none runs that is meant. Resolves when it has ended. */
  cancel(isMeant: (delivery: T) => boolean, by: string): Promise<void> | undefined;
}

export interface LaneOwner<T = Delivery> {
  settled(delivery: T, outcome: Outcome, tookMs: number): void;
  chunk(delivery: T, data: Uint8Array): void;
  /** It has left its slot, and is settled later; or is as if it were back in it: it is settled now, or goes back. */
  inSlot(delivery: T, isInSlot: boolean): void;
  /** After a batch of outcomes: there may be room. */
  progressed(): void;
  /** The worker is gone. Returns what it died of. */
  ended(lane: WorkerPlace<T>, left: LeftBehind<T>): Death;
}

/** What a worker had in flight when it ended. */
export interface LeftBehind<T = Delivery> {
  /** Settled: they are what it died of. */
  readonly culprits: readonly T[];
  /** They run again as they were. */
  readonly innocent: readonly T[];
  /** They run again, each alone. */
  readonly suspects: readonly T[];
  /** It ended because an operator has cancelled a message, or through another handler: that says nothing of this one. */
  readonly endedBy?: "operator" | "others" | undefined;
}
