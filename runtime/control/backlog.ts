// How many messages of its stream a durable handler that runs here has not settled. Asked for by the names of its durables,
// so that it needs no right to list others.

import type { ConsumerInfo, JetStreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { claims } from "../metadata/claims.ts";
import { storeOfSubject, streamOfStore } from "../metadata/store.ts";
import { managerOf } from "../nats/jetstream.ts";
import { ApiCode, isApiError } from "../nats/jetstream-errors.ts";
import { lacksJetStream } from "../nats/no-jetstream.ts";
import { durableNameOf, earlierDurableName } from "../streams/durable-name.ts";
import { isOf } from "../streams/handler-durable.ts";
import { orderedStreamNames } from "../streams/ordered-stream.ts";

/** A durable handler, as a status says of it. */
export interface Claimant {
  readonly name: string;
  readonly subjects?: readonly string[] | undefined;
  /** Each replica has a consumer of its own: nothing waits for all. */
  readonly everyReplica?: boolean | undefined;
  /** Of the JetStream that has its stream; undefined: that of the account. */
  readonly domain?: string | undefined;
  /** Its messages wait in a stream of its own. */
  readonly inOrder?: boolean | undefined;
  /** And before that in a durable of its own. */
  readonly putsInOrder?: boolean | undefined;
}

export class Backlog {
  private readonly connection: NatsConnection;
  private readonly app: string;
  private readonly managers = new Map<string | undefined, Promise<JetStreamManager>>();
  private readonly streams = new Map<string, string>();

  constructor(connection: NatsConnection, app: string) {
    this.connection = connection;
    this.app = app;
  }

  /** Of several handlers, those that are known. Never rejects. */
  async ofAll(handlers: readonly Claimant[]): Promise<Map<string, number>> {
    const counts = await Promise.all(handlers.map(async (one) => [one.name, await this.of(one)] as const));
    return new Map(counts.filter((entry): entry is readonly [string, number] => entry[1] !== undefined));
  }

  /** Undefined where there is no durable of this handler, or we may not look. */
  private async of(handler: Claimant): Promise<number | undefined> {
    const known = await this.durablesOf(handler);
    if (known.length === 0) return undefined;
    return known.reduce((sum, { num_pending, num_ack_pending }) => sum + num_pending + num_ack_pending, 0);
  }

  /** Those of a handler, as they stand; none where we may not look. Never rejects. */
  async durablesOf(handler: Claimant): Promise<readonly ConsumerInfo[]> {
    if (handler.everyReplica === true || (handler.domain === undefined && lacksJetStream(this.connection))) return [];
    try {
      const jsm = await this.managerOf(handler.domain);
      return (await Promise.all(claims(handler).map((subject) => this.durablesOn(jsm, handler, subject)))).flat();
    } catch {
      return []; // No permission, or no answer: not known.
    }
  }

  private async durablesOn(
    jsm: JetStreamManager,
    { name, inOrder, putsInOrder }: Claimant,
    subject: string,
  ): Promise<readonly ConsumerInfo[]> {
    const own = inOrder !== true || putsInOrder === true ? await this.durableOf(jsm, name, subject) : undefined;
    const streams = inOrder === true ? orderedStreamNames(this.app, name, subject) : [];
    const partitions = await Promise.all(streams.map((stream) => consumersIn(jsm, stream)));
    return [...partitions.flat(), ...(own === undefined ? [] : [own])];
  }

  private async durableOf(jsm: JetStreamManager, handler: string, subject: string): Promise<ConsumerInfo | undefined> {
    const { app } = this;
    const isOwn = (found: ConsumerInfo) => isOf({ app, handler, filter: subject }, found);
    const store = storeOfSubject(subject);
    if (store !== undefined) return infoIn(jsm, streamOfStore(store), durableNameOf(app, handler, subject));
    const own = await this.find(jsm, durableNameOf(app, handler, subject), () => true);
    return own ?? (await this.find(jsm, earlierDurableName(app, handler), isOwn));
  }

  private async find(
    jsm: JetStreamManager,
    durable: string,
    fits: (info: ConsumerInfo) => boolean,
  ): Promise<ConsumerInfo | undefined> {
    const known = this.streams.get(durable);
    const info = known === undefined ? undefined : await infoIn(jsm, known, durable);
    if (info !== undefined && fits(info)) return info;
    this.streams.delete(durable); // Its stream has moved, or was made anew.
    for (const stream of await namesOf(jsm)) {
      const found = await infoIn(jsm, stream, durable);
      if (found === undefined || !fits(found)) continue;
      this.streams.set(durable, stream);
      return found;
    }
    return undefined;
  }

  private managerOf(domain: string | undefined): Promise<JetStreamManager> {
    const known = this.managers.get(domain);
    const manager = known ?? managerOf(this.connection, { domain });
    this.managers.set(domain, manager);
    return manager;
  }
}

function infoIn(jsm: JetStreamManager, stream: string, durable: string): Promise<ConsumerInfo | undefined> {
  return jsm.consumers.info(stream, durable).catch(() => undefined);
}

/** Of a stream that need not be there. */
async function consumersIn(jsm: JetStreamManager, stream: string): Promise<ConsumerInfo[]> {
  const found: ConsumerInfo[] = [];
  try {
    for await (const info of jsm.consumers.list(stream)) found.push(info);
  } catch (error) {
    if (!isApiError(error, ApiCode.streamNotFound)) throw error;
  }
  return found;
}

async function namesOf(manager: JetStreamManager): Promise<string[]> {
  const names: string[] = [];
  for await (const name of manager.streams.names()) if (!name.startsWith("KV_")) names.push(name);
  return names;
}
