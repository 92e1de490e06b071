// A row of the table: what is there, what is published, and the change that happens under it.

import type { StreamConfig } from "@nats-io/jetstream";
import type { Letter } from "./account.ts";
import type { HandlerSpec } from "./contender.ts";
import type { Message } from "./message.ts";
import type { Scene } from "./scene.ts";

export interface Row {
  /** A sentence: what happens, to what. */
  readonly name: string;
  /** The least level of JetStream's API that has what the row needs; 0 on servers before 2.11. */
  readonly apiLevel?: number;
  /** The nats-server's configuration. */
  readonly server?: string;
  /** Three servers, each stream on all. */
  readonly cluster?: boolean;
  /** Replicas connect by way of a proxy, `scene.proxy`. */
  readonly proxied?: boolean;
  /** Added to the stream's configuration; undefined: the row makes its streams itself. */
  readonly stream?: Partial<StreamConfig> | "later";
  readonly mode?: "dev" | "start";
  /** Two unless given. */
  readonly replicas?: number;
  /** One for each app; the usual handler for what is not given. */
  readonly apps?: Readonly<Record<string, readonly Partial<HandlerSpec>[]>>;
  /** For the replicas, at the given place in the fleet. */
  readonly env?: (at: number) => Readonly<Record<string, string>>;
  readonly message?: (id: number) => Message;
  /** The end of its subject. */
  readonly subject?: (id: number) => string;
  readonly perSecond?: number;
  /** Of the whole row, where two minutes are too few. */
  readonly timeoutMs?: number;
  /** Whether messages may lie in hand for seconds while nothing ends: then nobody makes the server deliver them sooner. */
  readonly slow?: boolean;
  /** Who is to handle it, in the ledger's words; everybody unless given. */
  readonly takers?: (message: Message) => readonly string[];
  /** Whether the letter may be, where more than `ownReason` is right. */
  readonly letter?: (letter: Letter, message: Message) => boolean;
  /** What else must be there before the first message. */
  arrange?(scene: Scene): Promise<unknown>;
  /** Begins under load, and ends when the worst is over. The load goes on for a second or so after it. */
  change(scene: Scene): Promise<unknown>;
  /** What else must hold in the end; throws with the reason. */
  check?(scene: Scene): unknown;
}

/** What runs where the row does not say otherwise. */
export const USUAL_HANDLER: HandlerSpec = {
  name: "count",
  by: "count",
  subject: "row.*",
  version: "one",
  attempts: 3,
  backoffMs: 100,
};
