// The link from a subject to a handler: messages come in as deliveries, settlements go out.

import type { RuntimeError } from "../errors.ts";
import type { Settlement } from "../message/settlement.ts";
import type { ResolvedMetadata } from "../metadata/handler-metadata.ts";
import type { Delivery } from "./delivery.ts";
import type { HoldBoard } from "./hold.ts";

export interface Binding {
  /**
   * One for each origin of deliveries. With what a delivery says of itself it makes an id that is the same for every
   * redelivery (message-id.ts).
   */
  readonly idPrefixes: readonly string[];
  /**
   * Carry out a settlement; a second one for the same delivery is ignored. Never throws.
   *
   * Returns what was done, for the log: "replied 500", "dropped". Undefined when there is nothing to tell.
   */
  apply(delivery: Delivery, settlement: Settlement): string | undefined;
  /** A message in hand has left its slot, or is as if it were back in it. Only for bindings that count them. */
  inSlot?(delivery: Delivery, isInSlot: boolean): void;
  /** One message of a streamed reply. */
  chunk(delivery: Delivery, data: Uint8Array): void;
  /** There may be room for more deliveries. */
  roomChanged(): void;
  /** The handler has new metadata, with the same kind and subjects. Only for bindings that look at more than these. */
  adopt?(metadata: ResolvedMetadata): void;
  /** A subject is elsewhere now, and has to be bound anew. Only for bindings to which that can happen. */
  readonly hasMoved?: boolean;
  /** Another replica runs the handler, as its lease says. Only for bindings of handlers that one replica runs. */
  readonly isStandby?: boolean;
  /** Find out now whether it has moved. Never rejects. */
  lookAgain?(): Promise<void>;
  /**
   * Take no more messages. Resolves once the server has confirmed it and what was on its way has been accepted.
   * Never rejects. A second call joins the first.
   */
  unbind(): Promise<void>;
}

export interface BindingOwner {
  /** False: the queue is full. */
  accept(delivery: Delivery): boolean;
  /** One is done with, unrun, and counted as `filtered`. Without a delivery: it is settled already. */
  letPass(why: string, delivery?: Delivery): void;
  /** How many more deliveries would start at once. */
  readonly room: number;
}

export interface BindRequest {
  readonly handler: string;
  readonly metadata: ResolvedMetadata;
  readonly owner: BindingOwner;
  readonly onOverflow: (delivery: Delivery) => void;
  /** Where the binding says what keeps messages from it. */
  readonly holds: HoldBoard;
  /** Something went wrong that is not lasting: it is told. */
  readonly onFault: (error: RuntimeError) => void;
  /** `hasMoved` has become true. */
  readonly onMoved: () => void;
}

/** A binding worked out but not made: its deliveries' ids are known before the first one comes. */
export interface PlannedBinding {
  readonly idPrefixes: readonly string[];
  /** Queue group or durable consumers: what replicas share; none where each has every message. */
  readonly groups: readonly string[];
  bind(request: BindRequest): Promise<Binding>;
}
