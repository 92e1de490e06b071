// Durable consumers of an app, also those that nobody takes from any more (left-behind.ts).

import type { ConsumerInfo, JetStreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { managerOf } from "../nats/jetstream.ts";
import { ApiCode, isApiError, jetStreamError } from "../nats/jetstream-errors.ts";
import { removedAfterMs } from "./durable-costs.ts";
import { claimBefore } from "./ordered-stream.ts";
import { describedOwner, filterOf } from "./stored-consumer.ts";

export interface AppDurable {
  readonly stream: string;
  readonly durable: string;
  readonly handler: string;
  /** What its handler claims. */
  readonly filter: string;
  /** That of a partition, in the handler's own stream (ordered-stream.ts). */
  readonly isPartition: boolean;
  /** Stored messages that its handler has not settled. */
  readonly waiting: number;
  /** Of its subject everything up to this number of the stream is settled. */
  readonly settledTo: number;
  /** Up to this number of the stream they were handed out, handled or not. */
  readonly deliveredTo: number;
  /** It hands out one message at a time, over all replicas. */
  readonly oneAtATime: boolean;
  /** How long an operator has paused it for, in milliseconds; undefined: it is not paused. */
  readonly pausedForMs?: number | undefined;
  /** The server removes it when nobody has taken from it for so long; undefined: it stays. */
  readonly removedAfterMs?: number | undefined;
}

const NS_PER_MS = 1_000_000;

export interface LookedThrough {
  /** Of the JetStream; undefined: that of the account. */
  readonly domain?: string | undefined;
  /** Streams of key-value and object stores: they have consumers by the hundred, and few of ours. */
  readonly buckets: readonly string[] | "all";
}

/** Every durable of the app, by stream and name. Rejects with NATS_REFUSED or STREAM_REFUSED. */
export async function durablesOf(
  connection: NatsConnection,
  app: string,
  { domain, buckets }: LookedThrough,
): Promise<AppDurable[]> {
  const look = async (jsm: JetStreamManager) => {
    const streams: string[] = [];
    for await (const name of jsm.streams.names())
      if (!isBucket(name) || buckets === "all" || buckets.includes(name)) streams.push(name);
    return listed(jsm, app, streams);
  };
  return asked(connection, CANNOT_LIST, look, domain);
}

/** Those of these streams; one that does not exist has none. Rejects with NATS_REFUSED or STREAM_REFUSED. */
export async function durablesIn(
  connection: NatsConnection,
  app: string,
  streams: readonly string[],
): Promise<AppDurable[]> {
  return asked(connection, CANNOT_LIST, (jsm) => listed(jsm, app, streams));
}

/** Those of one stream. Rejects as the client does. */
export async function appDurables(jsm: JetStreamManager, stream: string, app: string): Promise<AppDurable[]> {
  const found: AppDurable[] = [];
  for await (const info of jsm.consumers.list(stream)) {
    const durable = durableOf(info, app);
    if (durable !== undefined) found.push(durable);
  }
  return found;
}

/** False when it was not there any more. */
export async function removeDurable(
  connection: NatsConnection,
  { stream, durable }: Pick<AppDurable, "stream" | "durable">,
): Promise<boolean> {
  return asked(connection, `durable "${durable}" of stream "${stream}" could not be removed`, (jsm) =>
    jsm.consumers.delete(stream, durable).catch((error: unknown) => {
      if (isApiError(error, ApiCode.consumerNotFound, ApiCode.streamNotFound)) return false;
      throw error;
    }),
  );
}

/** That of a handler which is gone. Rejects with NATS_REFUSED or STREAM_REFUSED. */
export async function removeOrderedStream(connection: NatsConnection, stream: string): Promise<void> {
  await asked(connection, `stream "${stream}" could not be removed`, (jsm) =>
    jsm.streams.delete(stream).catch((error: unknown) => {
      if (isApiError(error, ApiCode.streamNotFound)) return false;
      throw error;
    }),
  );
}

/** Messages that a durable has not settled; 0 when it, or its stream, is gone; undefined: cannot be said. Never rejects. */
export function waitingIn(jsm: JetStreamManager, stream: string, durable: string): Promise<number | undefined> {
  return jsm.consumers
    .info(stream, durable)
    .then(waitingOf, (error: unknown) =>
      isApiError(error, ApiCode.consumerNotFound, ApiCode.streamNotFound) ? 0 : undefined,
    );
}

const CANNOT_LIST = "the durable consumers could not be listed";

function isBucket(stream: string): boolean {
  return /^(KV|OBJ)_/.test(stream);
}

async function listed(jsm: JetStreamManager, app: string, streams: readonly string[]): Promise<AppDurable[]> {
  const lists = await Promise.all(
    streams.map((stream) =>
      appDurables(jsm, stream, app).catch((error: unknown): AppDurable[] => {
        if (isApiError(error, ApiCode.streamNotFound)) return [];
        throw error;
      }),
    ),
  );
  return lists.flat().sort((a, b) => (`${a.stream} ${a.durable}` < `${b.stream} ${b.durable}` ? -1 : 1));
}

/** Undefined when it is not the app's. */
function durableOf(info: ConsumerInfo, app: string): AppDurable | undefined {
  const { stream_name, name, config, ack_floor, delivered, paused, pause_remaining } = info;
  const owner = describedOwner(config.description);
  if (owner?.app !== app) return undefined;
  const claim = claimBefore(filterOf(config));
  return {
    stream: stream_name,
    durable: name,
    handler: owner.handler,
    filter: claim ?? filterOf(config),
    isPartition: claim !== undefined,
    waiting: waitingOf(info),
    settledTo: ack_floor.stream_seq,
    deliveredTo: delivered.stream_seq,
    oneAtATime: config.max_ack_pending === 1,
    pausedForMs: paused === true ? pause_remaining / NS_PER_MS : undefined,
    removedAfterMs: removedAfterMs(config),
  };
}

export function waitingOf({ num_pending, num_ack_pending }: ConsumerInfo): number {
  return num_pending + num_ack_pending;
}

async function asked<T>(
  connection: NatsConnection,
  doing: string,
  step: (jsm: JetStreamManager) => Promise<T>,
  domain?: string,
): Promise<T> {
  try {
    return await step(await managerOf(connection, { domain }));
  } catch (error) {
    throw jetStreamError(error, { connection, code: "STREAM_REFUSED", doing });
  }
}
