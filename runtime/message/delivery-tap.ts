// What somebody who watches the messages is shown of each delivery. Nearly always nobody watches, and then a message costs a
// look at one field.

import type { RuntimeError } from "../errors.ts";
import type { Delivery } from "./delivery.ts";
import type { Outcome } from "./outcome.ts";
import type { Settlement } from "./settlement.ts";

export interface DeliveryTap {
  /** Whether anybody watches. */
  readonly isOpen: boolean;
  /** Whether one that has ended is to be told with `ended`; if not, it is counted. To be called only while it is open. */
  takes(handler: string, hasFailed: boolean): boolean;
  ended(run: EndedRun): void;
}

export interface HowItEnded {
  readonly tookMs: number;
  /** From its arrival to its start. */
  readonly waitedMs: number;
  /** Absent: there is nothing to settle. */
  readonly settlement?: Settlement;
  /** What was done with the message, in words; absent where that goes without saying. */
  readonly settled?: string | undefined;
}

export interface EndedRun extends HowItEnded {
  readonly handler: string;
  /** Of the bundle. */
  readonly version: string;
  readonly id: string;
  /** Its bytes are only sure to stay as they are in this turn of the event loop. */
  readonly delivery: Delivery;
  readonly outcome: Outcome;
  /** Made when asked for, as it reads the source. Undefined where it returned. */
  readonly error: (() => RuntimeError) | undefined;
}
