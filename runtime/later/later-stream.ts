// The stream in which messages wait that are to leave later, and the consumer of one of its windows.
//
// S1  A work queue: what has left is removed with its acknowledgement, so what is in the stream has not left.
// S2  A window's consumer is made when the window is taken up, and removed by the server when nobody takes from it any more:
//     its messages stay. It is kept in memory: what was put off in it is put off again after a crash of the server.

import {
  AckPolicy,
  type ConsumerConfig,
  DeliverPolicy,
  DiscardPolicy,
  type JetStreamManager,
  ReplayPolicy,
  RetentionPolicy,
  StorageType,
} from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { laterStream } from "../../sdk/later-place.ts";
import { managerOf } from "../nats/jetstream.ts";
import { ApiCode, isApiError, jetStreamError } from "../nats/jetstream-errors.ts";
import { lacksJetStream } from "../nats/no-jetstream.ts";
import { ACK_WAIT_MS, MAX_ACK_PENDING, withinLimit } from "../streams/durable-consumer.ts";
import { ensureOwnStream } from "../streams/own-stream.ts";
import { type Window, windowSubject, windowSubjects } from "./window.ts";

export { laterStream, wakeSubject } from "../../sdk/later-place.ts";

const NS_PER_MS = 1_000_000;
const MAX_BYTES = 1024 ** 3;
/** As that of the streams we make: a repeated run of a handler puts the same message off once. */
const DUPLICATE_WINDOW_MS = 10 * 60_000;
const CONSUMER_KEPT_MS = 5 * 60_000;

/** Everything that has to do with messages that leave later. */
export function laterSubjects(app: string): string {
  return `later.${app}.>`;
}

export function windowDurable(window: Window): string {
  return `later-${window}`;
}

export async function ensureLaterStream(jsm: JetStreamManager, app: string, copies: number): Promise<void> {
  const config = {
    name: laterStream(app),
    description: `messages of app ${app} that leave later`,
    subjects: [windowSubjects(app)],
    retention: RetentionPolicy.Workqueue,
    storage: StorageType.File,
    // Full: the publish is refused. Nothing that waits is pushed out.
    discard: DiscardPolicy.New,
  };
  const window = DUPLICATE_WINDOW_MS * NS_PER_MS;
  await ensureOwnStream(jsm, config, { max_bytes: MAX_BYTES, num_replicas: copies, duplicate_window: window });
}

/** Rejects with STREAM_REFUSED or NATS_REFUSED. Without JetStream there is none. */
export async function provisionLater(connection: NatsConnection, app: string, copies: number): Promise<void> {
  if (lacksJetStream(connection)) return;
  try {
    await ensureLaterStream(await managerOf(connection), app, copies);
  } catch (error) {
    const doing = `stream "${laterStream(app)}", for what is published with a delay, could not be set up`;
    throw jetStreamError(error, { connection, code: "STREAM_REFUSED", doing });
  }
}

/** S2. Rejects with the client's errors. */
export async function ensureWindowConsumer(jsm: JetStreamManager, app: string, window: Window): Promise<void> {
  const config: Partial<ConsumerConfig> = {
    durable_name: windowDurable(window),
    filter_subject: windowSubject(app, window),
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.All,
    replay_policy: ReplayPolicy.Instant,
    ack_wait: ACK_WAIT_MS * NS_PER_MS,
    max_deliver: -1,
    inactive_threshold: CONSUMER_KEPT_MS * NS_PER_MS,
    mem_storage: true,
  };
  try {
    await withinLimit((limit) => jsm.consumers.add(laterStream(app), { ...config, ...limit }), {
      max_ack_pending: MAX_ACK_PENDING,
    });
  } catch (error) {
    // A replica of another version was first.
    if (!isApiError(error, ApiCode.consumerExists)) throw error;
  }
}
