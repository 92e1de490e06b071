// The slots of a handler that one replica is to run: none, where another one has its lease (lease.ts).

import type { BindingOwner } from "../message/binding.ts";
import type { Delivery } from "../message/delivery.ts";
import type { Lease } from "./lease.ts";

export class StandbyRoom implements BindingOwner {
  private readonly owner: BindingOwner;
  private readonly lease: Pick<Lease, "isHeld">;

  constructor(owner: BindingOwner, lease: Pick<Lease, "isHeld">) {
    this.owner = owner;
    this.lease = lease;
  }

  get room(): number {
    return this.lease.isHeld ? this.owner.room : 0;
  }

  /** What was asked for before the lease was lost goes back. */
  accept(delivery: Delivery): boolean {
    return this.lease.isHeld && this.owner.accept(delivery);
  }

  letPass(why: string, delivery?: Delivery): void {
    this.owner.letPass(why, delivery);
  }
}
