// Changes a stream that another replica may be changing at the same moment. The server takes whole configurations, and knows no
// "only if it is still as I read it": of two replicas that have read the same, the later writer takes away what the earlier
// one has added.
//
// C1  What is to change is worked out from what stands now, each time.
// C2  It is looked at again until it has stood for a moment: by then whoever had read before us has written.

import type { JetStreamManager, StreamConfig } from "@nats-io/jetstream";
import { type Clock, delay } from "../clock.ts";

/** So many looks find it as it is to be. */
const CALM_LOOKS = 2;
const LOOK_AGAIN_MS = 100;
/** Others who keep on writing something else want it otherwise, and mean it. */
const MOST_WRITES = 10;

/**
 * Resolves with whether it had to be changed, once it stands as wanted. Rejects as the client does.
 *
 * @param wanted what to set in a stream that is so; undefined: nothing
 */
export async function changeStream(
  jsm: JetStreamManager,
  name: string,
  clock: Clock,
  wanted: (config: StreamConfig) => Partial<StreamConfig> | undefined,
): Promise<boolean> {
  let writes = 0;
  for (let calm = 0; ; await delay(clock, LOOK_AGAIN_MS)) {
    const change = wanted((await jsm.streams.info(name)).config); // C1
    if (change !== undefined && writes < MOST_WRITES) {
      await jsm.streams.update(name, change);
      writes++;
      calm = 0;
    } else if (writes === 0 || ++calm >= CALM_LOOKS) return writes > 0; // C2
  }
}
