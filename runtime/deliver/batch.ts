// Messages that are run together: a lane has them as one, with one deadline.

import type { Delivery } from "../message/delivery.ts";
import type { Outcome } from "../message/outcome.ts";
import type { Handed } from "./worker-place.ts";

export class Batch implements Handed {
  /** At least one. */
  readonly members: readonly Delivery[];
  /** A half of one that has failed. */
  readonly isPart: boolean;
  /** How those ended of which the worker has told alone, by their place. */
  readonly named = new Map<number, Outcome>();

  constructor(members: readonly Delivery[], isPart: boolean) {
    this.members = members;
    this.isPart = isPart;
  }

  get size(): number {
    return this.members.length;
  }

  get subject(): string {
    const { subject } = this.members[0]!;
    return this.size === 1 ? subject : `${subject} and ${this.size - 1} more in its batch`;
  }

  set again(isAgain: boolean) {
    for (const member of this.members) member.again = isAgain;
  }

  /** Throws a RangeError for a place that it does not have. */
  name(at: number, outcome: Outcome): void {
    if (at >= this.size) throw new RangeError(`message ${at} of a batch of ${this.size}`);
    // What was cancelled ends so, whatever is said of it later.
    if (this.named.get(at)?.kind !== "cancelled") this.named.set(at, outcome);
  }
}
