// What a row's change has at hand: servers, the administrator's connection, the replicas of each app, load and ledger.

import {
  type ConsumerConfig,
  type ConsumerInfo,
  type JetStreamManager,
  jetstreamManager,
  type StreamConfig,
} from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { delay, systemClock } from "../../runtime/clock.ts";
import type { TestServer } from "../support/nats-server.ts";
import type { Account } from "./account.ts";
import type { Contender, Deployment } from "./contender.ts";
import { Fleet } from "./fleet.ts";
import { Ledger } from "./ledger.ts";
import { Load } from "./load.ts";
import { usualMessage } from "./message.ts";
import { APP, STREAM } from "./names.ts";
import { OurHome } from "./ours.ts";
import { type NatsProxy, startProxy } from "./proxy.ts";
import { type Row, USUAL_HANDLER } from "./row.ts";
import { startServers } from "./servers.ts";

const PER_SECOND = 500;
const REPLICAS = 2;
const LOOK_MS = 50;

export class Scene {
  readonly row: Row;
  readonly contender: Contender;
  readonly servers: readonly TestServer[];
  readonly client: NatsConnection;
  readonly admin: JetStreamManager;
  readonly ledger = new Ledger();
  readonly fleets: readonly Fleet[];
  readonly proxy: NatsProxy | undefined;
  load!: Load;
  /** Of messages that the change itself took away: they are not missed. */
  readonly excused = new Set<number>();
  private excusedAtMost = 0;

  private constructor(row: Row, contender: Contender, made: Made) {
    this.row = row;
    this.contender = contender;
    this.servers = made.servers;
    this.client = made.client;
    this.admin = made.admin;
    this.proxy = made.proxy;
    this.fleets = this.deployments().map(
      (deployment) => new Fleet(contender, deployment, row.replicas ?? REPLICAS, row.env),
    );
  }

  static async open(row: Row, contender: Contender): Promise<Scene> {
    const servers = await startServers(row);
    const urls = servers.map(({ url }) => url);
    const client = await connect({ servers: urls, maxReconnectAttempts: -1, reconnectTimeWait: 20 });
    const admin = await jetstreamManager(client, { checkAPI: false, timeout: 5_000 });
    const proxy = row.proxied ? await startProxy(servers[0]!.port) : undefined;
    const scene = new Scene(row, contender, { servers, client, admin, proxy });
    if (row.stream !== "later" && !contender.makesStreams) await scene.addStream(row.stream);
    return scene;
  }

  /** Have all replicas serve, then publish. */
  async begin(): Promise<void> {
    await Promise.all(this.fleets.map((fleet) => fleet.start()));
    await this.row.arrange?.(this);
    this.startLoad();
  }

  startLoad(): void {
    const { row, contender, client } = this;
    const endOf = row.subject ?? ((id: number) => `${id % 5}`);
    const published = (id: number) =>
      this.fleets.map(({ deployed }) => contender.published(deployed.app, `row.${endOf(id)}`));
    this.load = new Load({
      client,
      perSecond: row.perSecond ?? PER_SECOND,
      messageOf: row.message ?? usualMessage,
      subjectsOf: (id) => [...new Set(published(id))],
    });
  }

  get server(): TestServer {
    return this.servers[0]!;
  }

  get fleet(): Fleet {
    return this.fleets[0]!;
  }

  /** A command of an operator. Resolves with what it prints. */
  async command(...args: string[]): Promise<string> {
    const { home } = this.fleet.at(0);
    if (!(home instanceof OurHome)) throw new Error(`${this.contender.name} has no command ${args[0]}`);
    return home.command(...args);
  }

  async addStream(config: Partial<StreamConfig> = {}): Promise<void> {
    const subjects = this.fleets.map(({ deployed }) => this.contender.published(deployed.app, "row.>"));
    const whole = { name: STREAM, subjects: [...new Set(subjects)], ...config };
    await this.untilTaken(() =>
      this.admin.streams.add({ ...whole, num_replicas: this.servers.length, ...config } as StreamConfig),
    );
  }

  /** The row's streams; not those that the contender keeps for itself. */
  async streams(): Promise<string[]> {
    const beginnings = this.fleets.map(({ deployed }) => this.contender.streamsOf(deployed.app));
    const found: string[] = [];
    for await (const name of this.admin.streams.names()) {
      if (beginnings.some((beginning) => name.startsWith(beginning))) found.push(name);
    }
    return found;
  }

  /** Delete them, and make them again as they were. */
  async remakeStreams(): Promise<void> {
    for (const name of await this.streams()) {
      const { config } = await this.admin.streams.info(name);
      await this.admin.streams.delete(name);
      await this.admin.streams.add(config);
    }
  }

  /** Those that run handlers, of the row's streams. */
  async consumers(): Promise<ConsumerInfo[]> {
    const found: ConsumerInfo[] = [];
    for (const stream of await this.streams()) {
      for await (const info of this.admin.consumers.list(stream)) {
        if (info.config.durable_name !== undefined) found.push(info);
      }
    }
    return found;
  }

  /** As an administrator does it with the NATS CLI. */
  async editConsumers(change: Partial<ConsumerConfig>): Promise<void> {
    for (const { stream_name, name } of await this.consumers())
      await this.admin.consumers.update(stream_name, name, change);
  }

  async deleteConsumers(): Promise<void> {
    for (const { stream_name, name } of await this.consumers()) await this.admin.consumers.delete(stream_name, name);
  }

  /** How many messages wait for a handler, or are in hand of one. */
  async waiting(): Promise<number> {
    const counts = (await this.consumers()).map(({ num_pending, num_ack_pending }) => num_pending + num_ack_pending);
    return counts.reduce((sum, count) => sum + count, 0);
  }

  /** Publish nothing more, and resolve when nothing waits; `load.resume` goes on. */
  async quiet(): Promise<void> {
    await this.load.hold();
    while ((await this.waiting()) > 0) await delay(systemClock, LOOK_MS);
  }

  /** The row takes away so many messages of those published until now. */
  excuse(count: number): void {
    this.excusedAtMost = count;
    for (const { id } of this.load.sent) this.excused.add(id);
  }

  /** Throws when more is gone than the row took away. */
  checkExcused({ taken }: Account): void {
    if (taken > this.excusedAtMost)
      throw new Error(`${taken} messages are gone, and the change took ${this.excusedAtMost}`);
  }

  /** Whether the server has what the row needs. */
  async suffices(): Promise<boolean> {
    const { api } = await this.untilTaken(() => this.admin.getAccountInfo());
    return ((api as { readonly level?: number }).level ?? 0) >= (this.row.apiLevel ?? 0);
  }

  /** Resolves when JetStream does what is asked: a cluster that has just begun has no leader to ask. */
  async untilTaken<T>(ask: () => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries++) {
      try {
        return await ask();
      } catch (error) {
        if (tries > 100) throw error;
        await delay(systemClock, 200);
      }
    }
  }

  /** How long something is away. No wait for anything: it is what the row is about. */
  lasts(ms: number): Promise<void> {
    return delay(systemClock, ms);
  }

  async close(): Promise<(number | null)[]> {
    const codes = await Promise.all(this.fleets.map((fleet) => fleet.close()));
    await this.proxy?.close();
    await this.client.close();
    await Promise.all(this.servers.map((server) => server.stop()));
    this.ledger.end();
    return codes.flat();
  }

  private deployments(): Deployment[] {
    const { row, ledger, servers, proxy } = this;
    return Object.entries(row.apps ?? { [APP]: [{}] }).map(([app, handlers]) => ({
      app,
      url: proxy?.url ?? servers.map(({ url }) => url).join(","),
      env: {},
      ledger: ledger.path,
      handlers: handlers.map((handler) => ({ ...USUAL_HANDLER, ...handler })),
      mode: row.mode ?? "start",
    }));
  }
}

interface Made {
  readonly servers: readonly TestServer[];
  readonly client: NatsConnection;
  readonly admin: JetStreamManager;
  readonly proxy: NatsProxy | undefined;
}
