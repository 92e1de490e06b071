// The bucket in which an app keeps what `ctx.once` gave.
//
// N1  It is read where it is written: a copy that lags behind would have a part called again.
// N2  Full, it forgets the oldest: what cannot be kept has happened already.
// N3  Nothing else waits for it: where there is no room or no right for it, handlers serve, and those that use it are refused.

import { DiscardPolicy, type JetStreamManager, RetentionPolicy, StorageType } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import type { Emit } from "../events.ts";
import { onceBucket } from "../message/once-record.ts";
import { managerOf } from "../nats/jetstream.ts";
import { jetStreamError } from "../nats/jetstream-errors.ts";
import { lacksJetStream } from "../nats/no-jetstream.ts";
import { ensureOwnStream } from "../streams/own-stream.ts";
import { type Bucket, streamOf, subjectsOf } from "./bucket-streams.ts";

/** Dead letters are kept for 30 days, and had their attempts before: whoever redrives the last of them calls nothing again. */
const KEPT_DAYS = 40;
const NS_PER_DAY = 86_400_000_000_000;
/** A million records. */
const MAX_BYTES = 256 * 1024 ** 2;

export function onceStore(app: string): Bucket {
  return { store: "kv", bucket: onceBucket(app) };
}

export function onceStream(app: string): string {
  return streamOf(onceStore(app));
}

/** One that exists stays as it is. Rejects with the client's errors. */
export async function ensureOnceBucket(jsm: JetStreamManager, app: string, copies: number): Promise<void> {
  const config = {
    name: onceStream(app),
    description: `what ctx.once has kept for app ${app}`,
    subjects: [subjectsOf(onceStore(app))],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: DiscardPolicy.Old, // N2
    max_msgs_per_subject: 1,
    max_age: KEPT_DAYS * NS_PER_DAY,
    allow_direct: false, // N1
    allow_rollup_hdrs: true,
    deny_delete: true,
  };
  await ensureOwnStream(jsm, config, { max_bytes: MAX_BYTES, num_replicas: copies });
}

export interface OnceProvision {
  readonly connection: NatsConnection;
  readonly app: string;
  readonly copies: number;
  /** Asks again while there is no answer now. */
  readonly surely: (step: () => Promise<void>) => Promise<void>;
  readonly emit: Emit;
}

/** N3: to be called when the streams that handlers take from are there. Never rejects. Without JetStream there is none. */
export async function provisionOnce({ connection, app, copies, surely, emit }: OnceProvision): Promise<void> {
  if (lacksJetStream(connection)) return;
  try {
    await surely(async () => ensureOnceBucket(await managerOf(connection), app, copies));
  } catch (error) {
    const doing = `stream "${onceStream(app)}", for what ctx.once keeps, could not be set up`;
    const { message } = jetStreamError(error, { connection, code: "STREAM_REFUSED", doing });
    emit({ type: "runtime.notice", level: "warn", message: `${message}. ctx.once is refused; all else goes on` });
  }
}
