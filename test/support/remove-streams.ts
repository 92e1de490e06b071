// Each test begins without streams.

import type { JetStreamManager } from "@nats-io/jetstream";

/**
 * Purged first: a stream in files that is removed and made again at once may come back with its messages on nats-server
 * 2.15.1 (5 of 3,700 times on a busy machine; purged, none of 2,400).
 */
export async function removeStreams(jsm: JetStreamManager): Promise<void> {
  for await (const name of jsm.streams.names()) {
    await jsm.streams.purge(name);
    await jsm.streams.delete(name);
  }
}
