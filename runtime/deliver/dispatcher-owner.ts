// What a dispatcher tells whoever owns it.

import type { Delivery } from "../message/delivery.ts";
import type { Outcome } from "../message/outcome.ts";

export interface DispatcherOwner {
  /** @param version that ran it, where its lane was made for one */
  settled(delivery: Delivery, outcome: Outcome, tookMs: number, version: string | undefined): void;
  chunk(delivery: Delivery, data: Uint8Array): void;
  /** It has left its slot, or is as if it were back in it (D8 of the dispatcher). */
  inSlot?(delivery: Delivery, isInSlot: boolean): void;
  /** A batch of so many has failed: halves of it are tried. */
  halved(count: number, outcome: Outcome): void;
  /** There are deliveries and no worker to run them. Called once for each time this becomes so. */
  wake(): void;
  /** Room for more may have come up; see `room`. */
  roomChanged(): void;
}
