// What a canary means for its route: by which rule that is settled which the tried version ran, and what becomes of what it
// failed for good.
//
// V1  What would be a dead letter goes to the version before instead, uncharged: it may well handle it, also where there is one
//     attempt only, or where the tried version refuses the payload. Without a new try by the same version.
// V2  That holds for what the tried version had begun when it was taken back, too.

import type { Delivery } from "../message/delivery.ts";
import type { Outcome } from "../message/outcome.ts";
import type { Settlement } from "../message/settlement.ts";
import type { Canary } from "./canary.ts";
import type { SettleRule } from "./settle.ts";

export class Trial {
  readonly canary: Canary;
  /** Of the version that is tried. */
  readonly rule: SettleRule;
  private isOver = false;

  constructor(canary: Canary, rule: SettleRule) {
    this.canary = canary;
    this.rule = rule;
  }

  /** No more counts. */
  end(): void {
    this.isOver = true;
  }

  /** @param version that ran it @returns whether that is the one that is, or was, tried */
  count(delivery: Delivery, outcome: Outcome, version: string | undefined): boolean {
    const isOwn = version === this.canary.version;
    if (!this.isOver) this.canary.count(isOwn, delivery, outcome);
    return isOwn;
  }

  /** V1. Of what the tried version ran. */
  mended(delivery: Delivery, settlement: Settlement): Settlement {
    if (settlement.do !== "dead-letter" || this.rule.kind !== "durable" || settlement.reason === "cancelled")
      return settlement;
    this.canary.leave(delivery);
    return { do: "give-back" };
  }
}
