// What a handler knows of a change of a bucket, beside what it knows of every message.

import { type Change, type ChangeOperation, changeIn } from "../message/change.ts";
import type { Store } from "../metadata/handler-metadata.ts";
import type { Arrival } from "./arrival.ts";
import { type ContextDeps, DeliveryContext } from "./context.ts";
import type { Content } from "./decode-payload.ts";

/** The bytes are read now, and not kept. */
export function contextOf(arrival: Arrival, services: ContextDeps, content: Content): DeliveryContext {
  const { store } = services.start;
  return store === undefined
    ? new DeliveryContext(arrival, services)
    : new ChangeContext(arrival, services, store, content);
}

class ChangeContext extends DeliveryContext {
  private readonly change: Change;

  constructor(arrival: Arrival, services: ContextDeps, store: Store, { bytes, start, end }: Content) {
    super(arrival, services);
    this.change = changeIn(store, arrival.subject, this.headers, () => bytes.subarray(start, end));
  }

  get key(): string {
    return this.change.key;
  }

  get operation(): ChangeOperation {
    return this.change.operation;
  }

  /** A stream counts its messages, a bucket its changes: it is the same number. */
  get revision(): number {
    return this.arrival.seq;
  }

  override get isRemoval(): boolean {
    return this.operation !== "put";
  }
}
