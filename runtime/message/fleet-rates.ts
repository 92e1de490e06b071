// A rate that holds over all replicas: whoever wants messages to begin has their turns reserved, wherever that is counted.

import type { Rate } from "../metadata/handler-metadata.ts";

export interface FleetRates {
  /** A handler has such a rate. Never throws. */
  prepare(): void;
  /**
   * Reserve so many turns, one after the other, of a handler's rate; with a key of that key's. Resolves with how many milliseconds
   * from now the first of them is. Rejects while they cannot be reserved.
   */
  reserve(handler: string, key: string | undefined, rate: Rate, turns: number): Promise<number>;
}
