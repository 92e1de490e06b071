// What a stream answers to what is published into it.

import { JetStreamApiError, JetStreamError, type PubAck } from "@nats-io/jetstream";
import type { Msg } from "@nats-io/transport-node";

type Answer = Partial<PubAck> & { readonly error?: ConstructorParameters<typeof JetStreamApiError>[0] };

/** Throws the stream's refusal, as the client does. */
export function pubAckOf(reply: Msg): PubAck {
  const { error, stream, seq, ...more } = reply.json<Answer>();
  if (error !== undefined) throw new JetStreamApiError(error);
  if (stream === undefined || stream === "" || seq === undefined) {
    throw new JetStreamError("it was answered by something that is no stream");
  }
  return { domain: "", ...more, stream, seq, duplicate: more.duplicate === true };
}
