// What is done with a message once its delivery has ended; the binding carries it out.

import type { MessageKey } from "../metadata/handler-metadata.ts";
import type { OutcomeKind } from "./outcome.ts";

export type Settlement =
  | { readonly do: "done" }
  | { readonly do: "reply"; readonly body: Uint8Array }
  | {
      readonly do: "reply-error";
      readonly code: number;
      readonly text: string;
      readonly body: string;
      /** The body is a packet, by which an error ends a streamed reply too. */
      readonly isPacket?: true;
    }
  | { readonly do: "ack" }
  | { readonly do: "retry"; readonly delayMs: number }
  /** Uncharged, and at once: the handler did nothing wrong. */
  | { readonly do: "give-back" }
  /**
   * Uncharged, when the pause of `delayMs` milliseconds is over that its handler asks for. `key`: it is asked for messages only that have it
   * in common with this one. `otherwise`: nobody keeps it until then.
   */
  | {
      readonly do: "run-again";
      readonly delayMs: number;
      readonly key?: MessageKey | undefined;
      readonly why: string;
      readonly otherwise: Settlement;
    }
  /** It could not publish for want of NATS: uncharged for a while, then `otherwise`. */
  | { readonly do: "put-off"; readonly otherwise: Settlement }
  | {
      readonly do: "dead-letter";
      readonly reason: OutcomeKind;
      readonly text: string;
      readonly stack?: string | undefined;
      /** Of the bundle. */
      readonly version?: string;
    }
  | { readonly do: "drop"; readonly text: string };
