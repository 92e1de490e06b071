// Which streams are an app's own: those it declares, and those made for it.

import type { NatsConnection } from "@nats-io/transport-node";
import { managerOf } from "../nats/jetstream.ts";
import { jetStreamError } from "../nats/jetstream-errors.ts";

/** The description of a stream we made for the app. */
export function madeBy(app: string): string {
  return `made by nats-handlers for app ${app}`;
}

/** Names of the declared streams and of those made for the app. Rejects with NATS_REFUSED or STREAM_REFUSED. */
export async function ownStreams(
  connection: NatsConnection,
  app: string,
  declared: readonly string[],
): Promise<readonly string[]> {
  try {
    const jsm = await managerOf(connection);
    const own = new Set(declared);
    for await (const { config } of jsm.streams.list()) {
      if (config.description === madeBy(app)) own.add(config.name);
    }
    return [...own];
  } catch (error) {
    throw jetStreamError(error, { connection, code: "STREAM_REFUSED", doing: "the streams could not be listed" });
  }
}
