// Makes a stream of ours. The server sets `max_bytes` aside when a stream is made, and refuses when the disk does not have
// it: what we bound only by default is then bounded tighter.

import type { JetStreamManager, StreamConfig } from "@nats-io/jetstream";
import { ApiCode, isApiError } from "./jetstream-errors.ts";

/** 10047: storage; 10023 and 10028: memory and account. */
const INSUFFICIENT = [10047, 10028, 10023];
const LEAST_BYTES = 16 * 1024 ** 2;

/** As `addStream`, unless there is a stream of that name: it stays as it is. */
export async function ensureStream(
  jsm: JetStreamManager,
  config: Partial<StreamConfig> & { name: string },
  maxBytes: number,
): Promise<void> {
  try {
    await jsm.streams.info(config.name);
  } catch (error) {
    if (!isApiError(error, ApiCode.streamNotFound)) throw error;
    await addStream(jsm, config, maxBytes);
  }
}

/** @param maxBytes the bound wished for, if there is to be one that may be lowered */
export async function addStream(
  jsm: JetStreamManager,
  config: Partial<StreamConfig> & { name: string },
  maxBytes: number,
): Promise<void> {
  for (let bytes = maxBytes; ; bytes /= 4) {
    try {
      await jsm.streams.add({ ...config, max_bytes: Math.floor(bytes) });
      return;
    } catch (error) {
      if (!isApiError(error, ...INSUFFICIENT) || bytes / 4 < LEAST_BYTES) throw error;
    }
  }
}
