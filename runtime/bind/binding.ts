// The link from a subject to a handler: messages come in as deliveries, settlements go out.

import type { Delivery } from "../deliver/delivery.ts";
import type { Settlement } from "../deliver/settle.ts";
import type { ResolvedMetadata } from "../metadata/handler-metadata.ts";

export interface Binding {
  /** With a delivery's `seq` it makes an id that is the same for every redelivery of a message. */
  readonly idPrefix: string;
  /**
   * Carry out a settlement; a second one for the same delivery is ignored. Never throws.
   *
   * Returns what was done, for the log: "replied 500", "dropped". Undefined when there is nothing to tell.
   */
  apply(delivery: Delivery, settlement: Settlement): string | undefined;
  /** One message of a streamed reply. */
  chunk(delivery: Delivery, data: Uint8Array): void;
  /** There may be room for more deliveries. */
  roomChanged(): void;
  /** The handler has new metadata, with the same kind and subject. Only for bindings that look at more than these. */
  adopt?(metadata: ResolvedMetadata): void;
  /**
   * Take no more messages. Resolves once the server has confirmed it and what was on its way has been accepted.
   * Never rejects. A second call joins the first.
   */
  unbind(): Promise<void>;
}

export interface BindingOwner {
  /** False: the queue is full. */
  accept(delivery: Delivery): boolean;
  /** How many more deliveries would start at once. */
  readonly room: number;
}
