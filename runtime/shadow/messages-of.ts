// The messages a handler would have been given: those of its stream that it takes.

import type { NatsConnection } from "@nats-io/transport-node";
import { streamIdPrefix } from "../bind/stream-settler.ts";
import type { Clock } from "../clock.ts";
import { RuntimeError } from "../errors.ts";
import type { Delivery } from "../message/delivery.ts";
import { claims } from "../metadata/claims.ts";
import type { ResolvedMetadata } from "../metadata/handler-metadata.ts";
import { managerOf } from "../nats/jetstream.ts";
import { jetStreamError } from "../nats/jetstream-errors.ts";
import { StreamFinder } from "../streams/stream-finder.ts";
import type { ShadowMessages } from "./shadow.ts";
import { type Beginning, deliveryOf, storedMessages } from "./stored-messages.ts";

export interface MessagesRequest {
  readonly connection: NatsConnection;
  readonly app: string;
  /** Names of the declared streams. */
  readonly declared: readonly string[];
  readonly handler: string;
  readonly metadata: ResolvedMetadata;
  readonly begin: Beginning;
  /** Most messages. */
  readonly limit: number;
  readonly clock: Clock;
}

export interface StreamMessages extends ShadowMessages {
  readonly stream: string;
}

/** Rejects with STREAM_MISSING, STREAM_REFUSED or NATS_REFUSED, and with USAGE for a handler whose messages no stream keeps. */
export async function messagesOf(request: MessagesRequest): Promise<StreamMessages> {
  const { connection, handler, metadata } = request;
  if (metadata.kind === "request") {
    throw new RuntimeError("USAGE", `handler "${handler}" answers requests: no stream keeps them`, { handler });
  }
  const stream = await streamOf(request);
  const jsm = await managerOf(connection, { domain: metadata.domain });
  const { begin, limit } = request;
  const query = { jsm, stream, subjects: claims(metadata), begin, limit };
  return { stream, idPrefix: streamIdPrefix(stream, metadata.domain), all: deliveries() };

  async function* deliveries(): AsyncGenerator<() => Delivery> {
    try {
      for await (const stored of storedMessages(query)) yield () => deliveryOf(stored);
    } catch (error) {
      const doing = `the messages of stream "${stream}" could not be read`;
      throw jetStreamError(error, { connection, code: "STREAM_REFUSED", doing });
    }
  }
}

/** The one stream that has all its subjects. Nothing is made. */
async function streamOf({ connection, app, declared, handler, metadata, clock }: MessagesRequest): Promise<string> {
  const finding = { connection, app, declared, provision: false, copies: 1, clock, emit: () => undefined };
  const finder = new StreamFinder(finding);
  const streams = await Promise.all(claims(metadata).map((subject) => finder.streamFor(subject, handler, metadata)));
  const [stream = "", ...others] = new Set(streams);
  if (others.length === 0) return stream;
  const names = [stream, ...others].map((name) => `"${name}"`).join(", ");
  throw new RuntimeError("USAGE", `handler "${handler}" takes from several streams, ${names}: one can be read`, {
    handler,
    remedy: "Leave its subjects of the other streams out for this run.",
  });
}
