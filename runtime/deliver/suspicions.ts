// Which messages may have killed a worker. A suspect was in flight when a worker died with several; a killer is one whose
// death was counted before. Both run alone whenever they come, also after they were given back; one that ends well is
// cleared.

import type { Delivery } from "../message/delivery.ts";
import { deliveryIdOf } from "../message/message-id.ts";

/** What was in flight when a worker died, and how things went before. What it says of the handler: restart-policy.ts. */
export interface Death {
  /**
   * "nobody": nothing was in flight. "several": it is not known which. "killer": a message of which that was known.
   * "operator": who cancelled a message that would not let go. "others": another handler of the process, or it is not known which.
   */
  readonly of: "nobody" | "several" | "message" | "killer" | "operator" | "others";
  /** It is now known which message was to blame for the last death that was of several. */
  readonly explains: boolean;
  /** A delivery has ended without harm since the death before. */
  readonly wellBefore: boolean;
}

export const NOBODYS_DEATH: Death = { of: "nobody", explains: false, wellBefore: false };

/** By the id of a message. The slot keeps it, so that it outlives bindings and versions. */
export type SuspicionMemory = Map<string, "suspect" | "killer">;

/** Of one handler. The oldest is forgotten: it would at worst take others along once more. */
const MOST_REMEMBERED = 10_000;

export class Suspicions {
  private readonly idPrefixes: readonly string[];
  private readonly memory: SuspicionMemory;
  private isUnexplained = false;
  private wellBefore = false;

  /** @param idPrefixes of the binding */
  constructor(idPrefixes: readonly string[], memory: SuspicionMemory) {
    this.idPrefixes = idPrefixes;
    this.memory = memory;
  }

  has(delivery: Delivery): boolean {
    return this.memory.size > 0 && this.memory.has(this.idOf(delivery));
  }

  /** A delivery ended and left its worker alive. */
  endedWell(delivery: Delivery): void {
    this.wellBefore = true;
    if (this.memory.size > 0) this.memory.delete(this.idOf(delivery));
  }

  /** A worker died. `culprits`: what it died of, where that is known; `suspects`: one of these, where it is not. */
  death(culprits: readonly Delivery[], suspects: readonly Delivery[]): Death {
    const { wellBefore } = this;
    if (culprits.length + suspects.length > 0) this.wellBefore = false;
    const before = culprits.map((culprit) => this.memory.get(this.idOf(culprit)));
    for (const suspect of suspects) this.remember(suspect, "suspect");
    for (const culprit of culprits) this.remember(culprit, "killer");
    const explains = this.isUnexplained && before.includes("suspect");
    if (explains) this.isUnexplained = false;
    if (suspects.length > 0) this.isUnexplained = true;
    if (culprits.length > 0) {
      const known = before.every((what) => what === "killer");
      return { of: known ? "killer" : "message", explains, wellBefore };
    }
    return { of: suspects.length > 0 ? "several" : "nobody", explains, wellBefore };
  }

  /** The handler is set aside: the deaths so far have been counted against it, and say nothing new when they come again. */
  countedAgainstHandler(): void {
    for (const id of this.memory.keys()) this.memory.set(id, "killer");
    this.isUnexplained = false;
    this.wellBefore = false;
  }

  private remember(delivery: Delivery, what: "suspect" | "killer"): void {
    const id = this.idOf(delivery);
    if (what === "suspect" && this.memory.has(id)) return;
    this.memory.delete(id);
    this.memory.set(id, what);
    if (this.memory.size <= MOST_REMEMBERED) return;
    for (const oldest of this.memory.keys()) return void this.memory.delete(oldest);
  }

  private idOf(delivery: Delivery): string {
    return deliveryIdOf(this.idPrefixes, delivery);
  }
}
