// Who would get a message, by our names: handlers for what the server knows as queue groups, clients and consumers.

import type { ConsumerInfo } from "@nats-io/jetstream";
import type { StatusReply } from "../control/control-protocol.ts";
import { claims } from "../metadata/claims.ts";
import { matches } from "../metadata/subject.ts";
import type { NatsConnection } from "../nats/connection.ts";
import { managerOf } from "../nats/jetstream.ts";
import { queueGroupOf } from "../streams/durable-name.ts";
import { describedOwner } from "../streams/stored-consumer.ts";
import type { Listener, MessageTrace } from "./message-trace.ts";
import { isOffIn } from "./session.ts";

export interface Taker {
  /** Undefined: none of ours, or not known. */
  readonly handler: string | undefined;
  readonly app: string | undefined;
  /** What the server knows: the queue group, the name of the client, that of the consumer. */
  readonly name: string;
  readonly via: "queue group" | "subscription" | "consumer";
  /** As it takes it, wildcards included. */
  readonly subject: string;
  /** It waits: its handler is off in every replica. */
  readonly isOff: boolean;
}

export interface StreamTakers {
  readonly stream: string;
  /** Undefined: its consumers could not be listed. */
  readonly takers: readonly Taker[] | undefined;
}

export interface Takers {
  readonly listeners: readonly Taker[];
  readonly streams: readonly StreamTakers[];
}

export interface TakersRequest {
  readonly connection: NatsConnection;
  readonly app: string;
  readonly subject: string;
  readonly replies: readonly StatusReply[];
  readonly trace: MessageTrace;
}

/** Never rejects. */
export async function takersOf({ connection, app, subject, replies, trace }: TakersRequest): Promise<Takers> {
  const listeners = trace.listeners.map((listener) => listening(listener, app, replies));
  const streams = await Promise.all(
    trace.streams.map(async (stream): Promise<StreamTakers> => {
      const consumers = await consumersOf(connection, stream);
      return { stream, takers: consumers && consuming(consumers, subject, app, replies) };
    }),
  );
  return { listeners, streams };
}

/** Pure. */
export function listening({ client, subject, group }: Listener, app: string, replies: readonly StatusReply[]): Taker {
  const handlers = replies.flatMap((reply) => reply.handlers);
  const found =
    group === undefined
      ? handlers.find((one) => client.startsWith(`${app}/`) && one.kind === "event" && claims(one).includes(subject))
      : handlers.find(({ name }) => queueGroupOf(app, name) === group);
  const own = { handler: found?.name, app: found && app };
  const via = group === undefined ? "subscription" : "queue group";
  return { ...own, name: group ?? client, via, subject, isOff: false };
}

/** Those of them that take the subject. Pure. */
export function consuming(
  consumers: readonly ConsumerInfo[],
  subject: string,
  app: string,
  replies: readonly StatusReply[],
): Taker[] {
  return consumers.flatMap(({ name, config }) => {
    const { filter_subject: filter, filter_subjects: filters = filter ? [filter] : [">"] } = config;
    const taken = filters.find((one) => one === subject || matches(one, subject));
    if (taken === undefined) return [];
    const owner = describedOwner(config.description);
    const isOff = owner?.app === app && isOffIn(owner.handler, replies);
    return [{ handler: owner?.handler, app: owner?.app, name, via: "consumer", subject: taken, isOff }];
  });
}

async function consumersOf(connection: NatsConnection, stream: string): Promise<ConsumerInfo[] | undefined> {
  try {
    const found: ConsumerInfo[] = [];
    for await (const info of (await managerOf(connection)).consumers.list(stream)) found.push(info);
    return found;
  } catch {
    return undefined; // It is another domain's, or we may not look: that is told.
  }
}
