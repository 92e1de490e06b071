// The durable that a handler takes one of its subjects from, in a stream (streams/handler-durable.ts).

import type { StartFrom } from "../metadata/handler-metadata.ts";
import { durableNameOf, earlierDurableName } from "../streams/durable-name.ts";
import { durableFor } from "../streams/handler-durable.ts";
import type { StreamDeps } from "./stream-deps.ts";

export interface HandlerInStream {
  readonly handler: string;
  readonly stream: string;
  /** One of the handler's. */
  readonly subject: string;
  /** Of the JetStream that has the stream; undefined: that of our own account. */
  readonly domain: string | undefined;
  readonly oneAtATime: boolean;
  readonly from: StartFrom;
}

/** Its name. Rejects with CONSUMER_REFUSED, STREAM_MISSING or NATS_REFUSED. */
export async function durableOfHandler(
  { connection, app, managerOf }: StreamDeps,
  { handler, stream, subject, domain }: Omit<HandlerInStream, "oneAtATime" | "from">,
): Promise<string> {
  const names = { name: durableNameOf(app, handler, subject), earlier: earlierDurableName(app, handler) };
  return durableFor(connection, await managerOf(domain), { app, handler, stream, filter: subject }, names);
}
