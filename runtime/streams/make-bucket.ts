// Makes a bucket whose changes a handler takes, where nobody has made it: as the clients of NATS make one that is told nothing.

import { DiscardPolicy, type JetStreamManager, type StreamConfig } from "@nats-io/jetstream";
import type { Store } from "../metadata/handler-metadata.ts";
import { storeSubject, streamOfStore } from "../metadata/store.ts";
import { unlessMade } from "./own-stream.ts";
import { DEFAULT_MAX_BYTES } from "./stream-settings.ts";
import { withinLimits } from "./within-limits.ts";

/** Resolves also when another replica was first. `copies`: in a cluster. */
export async function makeBucket(jsm: JetStreamManager, store: Store, app: string, copies: number): Promise<void> {
  const config = bucketConfig(store, app);
  const wish = { max_bytes: DEFAULT_MAX_BYTES, num_replicas: copies };
  await withinLimits(wish, (granted) => jsm.streams.add({ ...config, ...granted })).catch(unlessMade);
}

function bucketConfig(store: Store, app: string): Partial<StreamConfig> & { readonly name: string } {
  const shared = {
    name: streamOfStore(store),
    description: `bucket made for handlers of app ${app}`,
    discard: DiscardPolicy.New,
    allow_rollup_hdrs: true,
    allow_direct: true,
  };
  return store.kind === "kv"
    ? { ...shared, subjects: [storeSubject(store)], max_msgs_per_subject: 1, deny_delete: true }
    : { ...shared, subjects: [`$O.${store.bucket}.C.>`, storeSubject(store)] };
}
