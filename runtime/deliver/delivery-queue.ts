// Deliveries waiting for a free place, in order, bounded in number and bytes.

import type { Delivery } from "../message/delivery.ts";

export interface WaitingDeliveries {
  readonly size: number;
  /** The one that `shift` takes. */
  readonly first: Delivery | undefined;
  /** False when it is full: the delivery was not taken. */
  push(delivery: Delivery): boolean;
  /** Put back at the front what had been taken, in its order. */
  putBack(deliveries: readonly Delivery[]): void;
  shift(): Delivery | undefined;
  takeAll(): Delivery[];
}

export class DeliveryQueue implements WaitingDeliveries {
  private entries: Delivery[] = [];
  private head = 0;
  private queuedBytes = 0;
  private readonly maxQueued: number;
  private readonly maxBytes: number;

  constructor(maxQueued: number, maxBytes: number) {
    this.maxQueued = maxQueued;
    this.maxBytes = maxBytes;
  }

  get size(): number {
    return this.entries.length - this.head;
  }

  get bytes(): number {
    return this.queuedBytes;
  }

  /** The one that `shift` takes. */
  get first(): Delivery | undefined {
    return this.entries[this.head];
  }

  /** False when the queue is full: the delivery was not taken. */
  push(delivery: Delivery): boolean {
    if (this.size >= this.maxQueued || this.queuedBytes + delivery.data.length > this.maxBytes) return false;
    this.entries.push(delivery);
    this.queuedBytes += delivery.data.length;
    return true;
  }

  /** Put back at the front what had been taken, in its order; beyond the bounds, since it was within them before. */
  putBack(deliveries: readonly Delivery[]): void {
    if (deliveries.length === 0) return;
    this.entries = [...deliveries, ...this.entries.slice(this.head)];
    this.head = 0;
    for (const { data } of deliveries) this.queuedBytes += data.length;
  }

  shift(): Delivery | undefined {
    const next = this.entries[this.head];
    if (next === undefined) return undefined;
    this.entries[this.head++] = undefined as never;
    this.queuedBytes -= next.data.length;
    if (this.head === this.entries.length) {
      this.entries = [];
      this.head = 0;
    } else if (this.head > 1_024 && this.head * 2 > this.entries.length) {
      this.entries = this.entries.slice(this.head);
      this.head = 0;
    }
    return next;
  }

  takeAll(): Delivery[] {
    const all = this.entries.slice(this.head);
    this.entries = [];
    this.head = 0;
    this.queuedBytes = 0;
    return all;
  }
}
