// What handlers publish beyond `max_payload`: the content goes into a bucket of objects, and a small message with its name
// takes its way. Whoever receives it fetches the content before the handler is run (worker/large-content.ts).
//
// G1  Each publish has an object of its own: a repeated run does not write over what an earlier message names.
// G2  The object is there as a whole before the message leaves. One whose message did not leave is gone with its time.

import type { NatsConnection } from "@nats-io/transport-node";
import { type Call, type CallAnswer, type HandlerCall, lasting } from "../message/handler-call.ts";
import { withHeader } from "../message/header-block.ts";
import { LARGE_HEADER, largeHeader } from "../message/large-content.ts";
import type { CarryStoreCall } from "../message/store-call.ts";

const NOTHING = new Uint8Array(0);

export interface LargePayloadsOptions {
  readonly connection: Pick<NatsConnection, "info">;
  readonly bucket: string;
  readonly store: CarryStoreCall;
  /** What carries out publishes that are small enough. */
  readonly send: Call;
}

export function withLargePayloads(options: LargePayloadsOptions): Call {
  const { connection, send } = options;
  let limit = Number.POSITIVE_INFINITY;
  return (made) => {
    // Not known while there is no connection: it was the same before.
    limit = connection.info?.max_payload ?? limit;
    const isLarge = made.kind === "publish" && made.payload.length + made.headers.length > limit;
    return isLarge ? keep(lasting(made), options) : send(made);
  };
}

async function keep(call: HandlerCall, { bucket, store, send }: LargePayloadsOptions): Promise<CallAnswer> {
  const { handler, subject, payload, headers, timeoutMs, messageId } = call;
  const name = `${handler}/${crypto.randomUUID()}`; // G1
  const about = { handler, id: messageId, value: payload, timeoutMs };
  const kept = await store({ store: "objects", operation: "put", bucket, key: name, ...about });
  if (!kept.ok) return { ...kept, message: `publish to "${subject}", of ${payload.length} bytes: ${kept.message}` };
  const named = withHeader(headers, LARGE_HEADER, largeHeader({ bucket, name }));
  return send({ ...call, payload: NOTHING, headers: named });
}
