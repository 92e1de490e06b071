// Each test begins without streams.

import type { JetStreamManager } from "@nats-io/jetstream";

/** One stream that stays from the first removal on, without messages. */
const STAYS = "BETWEEN_TESTS";

/**
 * What nats-server 2.15.1 does on a busy machine where a stream in files is removed and made again at once:
 * - it may come back with its messages (43 of 4,300 times), unless it was purged before (none of 11,000);
 * - to make it may be refused ("error creating store for stream", 4 of 2,500 times), as the server removes its folder of
 *   streams when the last one goes: so one of them stays.
 */
export async function removeStreams(jsm: JetStreamManager): Promise<void> {
  await jsm.streams.add({ name: STAYS, subjects: ["between.tests"] });
  for await (const name of jsm.streams.names()) {
    if (name === STAYS) continue;
    await jsm.streams.purge(name);
    await jsm.streams.delete(name);
  }
}
