// A stream of the runtime's own: made when it is missing, and else left as it is.

import type { JetStreamManager, StreamConfig } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { ApiCode, isApiError } from "../nats/jetstream-errors.ts";
import { type Wish, withinLimits } from "./within-limits.ts";

/** In a cluster: one server may be away, and nothing is lost or stands still. */
const COPIES_IN_CLUSTER = 3;

/** In how many copies it is kept: as stated, else as many as make sense where we are connected. */
export function copiesFor(stated: number | undefined, { info }: NatsConnection): number {
  return stated ?? (info?.cluster === undefined ? 1 : COPIES_IN_CLUSTER);
}

/** What is in `config` is as it must be; of `wish` it has as much as there is. */
export async function ensureOwnStream(
  jsm: JetStreamManager,
  config: Partial<StreamConfig> & { readonly name: string },
  wish: Wish,
): Promise<void> {
  try {
    await jsm.streams.info(config.name);
  } catch (error) {
    if (!isApiError(error, ApiCode.streamNotFound)) throw error;
    await withinLimits(wish, (granted) => jsm.streams.add({ ...config, ...granted })).catch(unlessMade);
  }
}

/** Another replica was first, and wished for something else. */
export function unlessMade(error: unknown): "by another" {
  if (!isApiError(error, ApiCode.streamNameInUse)) throw error;
  return "by another";
}
