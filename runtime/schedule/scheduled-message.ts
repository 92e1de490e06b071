// Publishes the message of a planned time to the handler's own subject, and says whether its run has ended.

import type { JetStreamClient, JetStreamManager } from "@nats-io/jetstream";
import { headers as createHeaders, type NatsConnection } from "@nats-io/transport-node";
import { SCHEDULED_FOR_HEADER } from "../message/delivery.ts";
import { publishIdOf, scheduledIdOf } from "../message/message-id.ts";
import { ApiCode, isApiError } from "../nats/jetstream-errors.ts";
import { findConsumer } from "../streams/stored-consumer.ts";
import type { SentRun } from "./mark-book.ts";

export interface Publishing {
  readonly connection: NatsConnection;
  readonly js: JetStreamClient;
  readonly app: string;
}

export interface ScheduledMessage {
  readonly handler: string;
  readonly subject: string;
  readonly payload: string;
  readonly plannedMs: number;
}

const PUB_ACK_MS = 5_000;

/** Into the stream that takes its subject. Rejects with the client's errors. */
export async function storeScheduled({ js, app }: Publishing, message: ScheduledMessage): Promise<SentRun> {
  const { handler, subject, payload, plannedMs } = message;
  const msgID = publishIdOf(app, scheduledIdOf(handler, subject, plannedMs));
  const options = { headers: headersOf(message), msgID, timeout: PUB_ACK_MS, retries: 1 };
  const { stream, seq } = await js.publish(subject, payload, options);
  return { stream, seq };
}

/** To whoever listens. Rejects when the server has not confirmed that it has it. */
export async function tellScheduled({ connection }: Publishing, message: ScheduledMessage): Promise<undefined> {
  connection.publish(message.subject, message.payload, { headers: headersOf(message) });
  await connection.flush();
}

/** Settled by the durable. One that is in its stream no more, or whose durable is gone, is over too. */
export async function hasEnded(jsm: JetStreamManager, durable: string, { stream, seq }: SentRun): Promise<boolean> {
  const info = await findConsumer(jsm, stream, durable);
  if (info === undefined || info.ack_floor.stream_seq >= seq) return true;
  if (info.num_ack_pending === 0 && info.num_pending === 0) return true;
  // Servers may count one that was purged or has grown too old as under way for ever.
  return !(await isStored(jsm, stream, seq));
}

async function isStored(jsm: JetStreamManager, stream: string, seq: number): Promise<boolean> {
  try {
    return (await jsm.streams.getMessage(stream, { seq })) !== null;
  } catch (error) {
    if (isApiError(error, ApiCode.messageNotFound, ApiCode.streamNotFound)) return false;
    throw error;
  }
}

function headersOf({ plannedMs }: ScheduledMessage) {
  const headers = createHeaders();
  headers.set(SCHEDULED_FOR_HEADER, new Date(plannedMs).toISOString());
  return headers;
}
