// Publishes a message that is due, with the app's own rights, and says what became of it.
//
// P1  Under its own id: a stream that has it already, since we died before we could say so, does not store it again.
// P2  What cannot be published now is tried again; what is refused is told with its reason.

import type { JetStreamManager } from "@nats-io/jetstream";
import type { Msg } from "@nats-io/transport-node";
import { readLetter } from "../dead-letters/dead-letter.ts";
import { contentOf, isScattered, type LetterContent } from "../dead-letters/letter-parts.ts";
import { deadLetterStream } from "../dead-letters/letter-store.ts";
import { type Call, NEVER_GONE } from "../message/handler-call.ts";
import { isUnavailable } from "../message/unavailable.ts";
import type { StreamLookup } from "../streams/stream-names.ts";
import { type LaterMessage, pairsOf, readLater } from "./later-message.ts";
import type { RefusedPublishes } from "./refused-publishes.ts";

export interface SenderOptions {
  readonly app: string;
  readonly jsm: JetStreamManager;
  readonly streams: StreamLookup;
  readonly refused: RefusedPublishes;
  readonly publish: Call;
}

export type Sent =
  | { readonly kind: "left" }
  | { readonly kind: "not-now"; readonly why: string }
  | { readonly kind: "refused"; readonly why: string };

const TIMEOUT_MS = 5_000;
const LEFT: Sent = { kind: "left" };

export class LaterSender {
  private readonly options: SenderOptions;

  constructor(options: SenderOptions) {
    this.options = options;
  }

  /** Never rejects. */
  async send(message: Msg): Promise<Sent> {
    try {
      const content = await this.contentOf(message);
      const later = content && readLater(content.headers);
      if (content === undefined)
        return { kind: "refused", why: "its payload was kept apart from its letter, and is gone" };
      if (later === undefined) return { kind: "refused", why: "it does not say where to" };
      return await this.publish(later, content.data);
    } catch (error) {
      return { kind: "not-now", why: error instanceof Error ? error.message : String(error) };
    }
  }

  private async publish({ target, id, by, stream, headers }: LaterMessage, payload: Uint8Array): Promise<Sent> {
    const { streams, refused, publish } = this.options;
    const recalled = streams.recall(target);
    const taking = recalled === undefined ? await streams.find(target) : recalled.stream;
    if (stream !== undefined && taking === undefined) return noStreamAnyMore(target, stream);
    const { mark } = refused;
    const call = {
      kind: "publish",
      handler: by,
      subject: target,
      messageId: id,
      again: true,
      gone: NEVER_GONE,
    } as const;
    const answer = await publish({ ...call, headers, payload, timeoutMs: TIMEOUT_MS });
    if (!answer.ok) return { kind: isUnavailable(answer.code) ? "not-now" : "refused", why: answer.message };
    if (taking?.confirms === true || !(await refused.isRefused(target, mark))) return LEFT;
    return { kind: "refused", why: `this connection may not publish to "${target}"; nothing was sent` };
  }

  /** A letter that is sent again may have its payload elsewhere. Undefined: it is not to be had any more. */
  private async contentOf({ headers, data }: Msg): Promise<LetterContent | undefined> {
    const letter = readLetter(headers);
    if (letter === undefined || !isScattered(letter)) return { headers: pairsOf(headers), data };
    return contentOf(this.options.jsm, deadLetterStream(this.options.app), letter, data);
  }
}

function noStreamAnyMore(target: string, stream: string): Sent {
  const why = `stream "${stream}" took "${target}" when it was published, and no stream takes it now`;
  return { kind: "refused", why };
}
