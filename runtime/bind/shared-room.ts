// The slots of a handler that takes from several places. Each place asks for as many messages as there are free slots, since
// nobody knows where the next one comes from. So one place can fill the slots while others still have asked: what comes to
// those would wait here, though another replica may be free. When the slots stay full, nobody asks any more.

import type { Clock } from "../clock.ts";
import type { BindingOwner } from "../message/binding.ts";
import type { Delivery } from "../message/delivery.ts";

/** Slots that are full for less are about to be free. */
const FULL_MS = 100;

export class SharedRoom implements BindingOwner {
  private readonly owner: BindingOwner;
  private readonly clock: Clock;
  private readonly onFull: () => void;
  private isWatching = false;
  private sawRoom = false;

  /** @param onFull the slots stay full: to be called back is what was asked for */
  constructor(owner: BindingOwner, clock: Clock, onFull: () => void) {
    this.owner = owner;
    this.clock = clock;
    this.onFull = onFull;
  }

  get room(): number {
    return this.owner.room;
  }

  accept(delivery: Delivery): boolean {
    const isTaken = this.owner.accept(delivery);
    if (!this.isWatching && this.owner.room === 0) this.watch();
    return isTaken;
  }

  letPass(why: string, delivery?: Delivery): void {
    this.owner.letPass(why, delivery);
  }

  /** There may be room for more deliveries. */
  changed(): void {
    if (this.isWatching && this.owner.room > 0) this.sawRoom = true;
  }

  private watch(): void {
    this.isWatching = true;
    this.sawRoom = false;
    this.clock.after(FULL_MS, () => {
      this.isWatching = false;
      if (this.owner.room > 0) return;
      if (this.sawRoom) this.watch();
      else this.onFull();
    });
  }
}
