// What the page's reads and actions work with. Whoever serves the page makes one.

import type { Clock } from "../clock.ts";
import type { DeadLetterBox } from "../dead-letters/dead-letter-box.ts";
import type { LaterBox } from "../later/later-box.ts";
import type { OperatorSession } from "../operate/session.ts";
import type { ShadowReport } from "./answers.ts";
import type { Order } from "./order.ts";
import type { Action } from "./rights.ts";

export interface Desk extends OperatorSession {
  readonly clock: Clock;
  readonly letters: DeadLetterBox;
  readonly later: LaterBox;
  readonly inboxPrefix: string | undefined;
  /** Streams that the configuration declares. */
  readonly declared: readonly string[];
  readonly rights: ReadonlySet<Action>;
  /** Payloads, and replies, are seen from here. */
  readonly showsPayloads: boolean;
  /** `ana@host`: whose process this is. */
  readonly operator: string;
  readonly version: string;
  /** Has a process of its own carry it out. Resolves when it has; absent: there is none to be had. */
  readonly apart?: ((order: Order) => Promise<void>) | undefined;
  /** What `handlers shadow` found out last about a handler; absent: there is no project to look in. */
  readonly shadowReport?: ((handler: string) => Promise<ShadowReport | undefined>) | undefined;
  /** A line for the page's own log. */
  readonly tell: (line: string) => void;
}
