// What one scrape sees, and a family of series made from it.

import type { HandlerReading, NatsReading } from "./metrics-source.ts";
import type { FamilyHead, Sample } from "./metrics-text.ts";
import type { WorkerUsage } from "./metrics-workers.ts";

/** What one scrape sees. */
export interface Snapshot {
  readonly handlers: readonly HandlerReading[];
  /** By handler. */
  readonly workers: ReadonlyMap<string, WorkerUsage>;
  readonly pending: ReadonlyMap<string, number>;
  readonly nats: NatsReading;
  readonly ready: boolean;
  readonly about: Readonly<Record<string, string>>;
}

export interface Family extends FamilyHead {
  read(snapshot: Snapshot): readonly Sample[];
}
