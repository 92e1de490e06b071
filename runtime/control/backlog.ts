// How many messages of its stream a durable handler has not settled. Asked of JetStream itself, so that it is known
// also while no replica runs.

import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { durableNameOf } from "../bind/durable-name.ts";

export class Backlog {
  private readonly connection: NatsConnection;
  private readonly app: string;
  private manager: JetStreamManager | undefined;
  private readonly streams = new Map<string, string>();

  constructor(connection: NatsConnection, app: string) {
    this.connection = connection;
    this.app = app;
  }

  /** Undefined where there is no durable of this handler, or we may not look. Never rejects. */
  async of(handler: string): Promise<number | undefined> {
    if (this.connection.info?.jetstream !== true) return undefined;
    const durable = durableNameOf(this.app, handler);
    try {
      this.manager ??= await jetstreamManager(this.connection, { checkAPI: false });
      const known = this.streams.get(durable);
      const streams = known === undefined ? await namesOf(this.manager) : [known];
      for (const stream of streams) {
        const info = await this.manager.consumers.info(stream, durable).catch(() => undefined);
        if (info === undefined) continue;
        this.streams.set(durable, stream);
        return info.num_pending + info.num_ack_pending;
      }
    } catch {
      // No permission, or no answer: not known.
    }
    return undefined;
  }

  /** Of several handlers, those that are known. */
  async ofAll(handlers: readonly string[]): Promise<Map<string, number>> {
    const counts = await Promise.all(handlers.map(async (name) => [name, await this.of(name)] as const));
    return new Map(counts.filter((entry): entry is readonly [string, number] => entry[1] !== undefined));
  }
}

async function namesOf(manager: JetStreamManager): Promise<string[]> {
  const names: string[] = [];
  for await (const name of manager.streams.names()) if (!name.startsWith("KV_")) names.push(name);
  return names;
}
