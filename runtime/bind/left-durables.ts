// Durable consumers of an app, also those whose handlers are gone: their messages wait for somebody who does not come.

import { type ConsumerInfo, type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { describedOwner } from "./durable-consumer.ts";
import { ApiCode, isApiError, jetStreamError } from "./jetstream-errors.ts";

export interface AppDurable {
  readonly stream: string;
  readonly durable: string;
  readonly handler: string;
  readonly filter: string;
  /** Stored messages that its handler has not settled. */
  readonly waiting: number;
}

/** Every durable of the app, by stream and name. Rejects with NATS_REFUSED or STREAM_REFUSED. */
export async function durablesOf(connection: NatsConnection, app: string): Promise<AppDurable[]> {
  return asked(connection, "the durable consumers could not be listed", async (jsm) => {
    const found: AppDurable[] = [];
    for await (const stream of jsm.streams.names()) {
      for await (const info of jsm.consumers.list(stream)) {
        const durable = durableOf(info, app);
        if (durable !== undefined) found.push(durable);
      }
    }
    return found.sort((a, b) => (`${a.stream} ${a.durable}` < `${b.stream} ${b.durable}` ? -1 : 1));
  });
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

function durableOf({ stream_name, name, config, num_pending, num_ack_pending }: ConsumerInfo, app: string) {
  const owner = describedOwner(config.description);
  if (owner?.app !== app) return undefined;
  return {
    stream: stream_name,
    durable: name,
    handler: owner.handler,
    filter: config.filter_subject ?? ">",
    waiting: num_pending + num_ack_pending,
  };
}

async function asked<T>(
  connection: NatsConnection,
  doing: string,
  step: (jsm: JetStreamManager) => Promise<T>,
): Promise<T> {
  try {
    return await step(await jetstreamManager(connection, { checkAPI: false }));
  } catch (error) {
    throw jetStreamError(error, { connection, code: "STREAM_REFUSED", doing });
  }
}
