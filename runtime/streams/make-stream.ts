// Makes a stream that handlers take from, or looks one up.

import type { JetStreamManager, StreamConfig, StreamInfo } from "@nats-io/jetstream";
import { ApiCode, isApiError } from "../nats/jetstream-errors.ts";
import { DEFAULT_MAX_BYTES, newStreamConfig, type StatedConfig } from "./stream-settings.ts";
import { type Wish, withinLimits } from "./within-limits.ts";

const MAY_BE_LOWERED = ["max_bytes", "num_replicas", "duplicate_window"] as const;

/**
 * What is stated is kept to the byte.
 *
 * @param copies in a cluster, where it is not stated
 */
export async function makeStream(jsm: JetStreamManager, stated: StatedConfig, copies: number): Promise<void> {
  const whole = { max_bytes: DEFAULT_MAX_BYTES, num_replicas: copies, ...newStreamConfig(stated) };
  const fixed: StatedConfig & Partial<StreamConfig> = { ...whole };
  const wish: Wish = {};
  for (const name of MAY_BE_LOWERED) {
    const wished = whole[name];
    if (stated[name] !== undefined || wished === undefined) continue;
    wish[name] = wished;
    delete fixed[name];
  }
  await withinLimits(wish, (granted) => jsm.streams.add({ ...fixed, ...granted }));
}

/** Undefined: there is none of that name. */
export async function findStream(jsm: JetStreamManager, name: string): Promise<StreamInfo | undefined> {
  return jsm.streams.info(name).catch((error: unknown) => {
    if (isApiError(error, ApiCode.streamNotFound)) return undefined;
    throw error;
  });
}
