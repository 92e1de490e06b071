// A nats-server for one test file, and handlers' owners that hold what arrives until the test settles it.

import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";
import { type Binder, createBinder } from "../../runtime/bind/binder.ts";
import { type Clock, systemClock } from "../../runtime/clock.ts";
import type { RuntimeError } from "../../runtime/errors.ts";
import type { Binding } from "../../runtime/message/binding.ts";
import type { Delivery } from "../../runtime/message/delivery.ts";
import type { Hold, HoldBoard, HoldReason } from "../../runtime/message/hold.ts";
import type { Settlement } from "../../runtime/message/settlement.ts";
import type { ResolvedMetadata } from "../../runtime/metadata/handler-metadata.ts";
import { Patience } from "../../runtime/nats/patience.ts";
import { RateLimitedNotices } from "../../runtime/nats/rate-limited-notices.ts";
import { ServerClock } from "../../runtime/nats/server-clock.ts";
import { createScheduledBinder } from "../../runtime/schedule/scheduled-binder.ts";
import { eventRecorder } from "./event-recorder.ts";
import { startTestServer, type TestServer } from "./nats-server.ts";
import { removeStreams } from "./remove-streams.ts";

export const ACK: Settlement = { do: "ack" };

export function durable(subject: string, changes: Partial<ResolvedMetadata> = {}): ResolvedMetadata {
  return {
    kind: "durable",
    subjects: [subject],
    description: "",
    hasSchema: false,
    payload: "json",
    envelope: "none",
    streamsReply: false,
    concurrency: 4,
    oneAtATime: false,
    singleton: false,
    from: { kind: "all" },
    everyReplica: false,
    timeoutMs: 30_000,
    retry: { attempts: 3, backoffMs: [10] },
    expiresMs: 0,
    filters: false,
    ordered: false,
    outputs: "each",
    publishes: [],
    propagate: [],
    uses: { kv: [], objects: [] },
    memoryMiB: 256,
    env: [],
    idleMs: 0,
    recycle: { messages: 0, ageMs: 0 },
    minWorkers: 0,
    workers: 1,
    exclusive: false,
    maxQueued: 100,
    maxQueuedBytes: 1_000_000,
    disabled: false,
    ...changes,
  };
}

/** Takes deliveries as a dispatcher would, and lets the test settle them. */
export class HeldOwner {
  readonly deliveries: Delivery[] = [];
  readonly open = new Set<Delivery>();
  binding: Binding | undefined;
  /** Most in hand at once. */
  most = 0;
  slots: number;
  /** Settles everything at once with it. */
  readonly settleWith: Settlement | undefined;
  private taken = 0;
  private waiting: (() => void)[] = [];

  constructor(slots: number, settleWith?: Settlement) {
    this.slots = slots;
    this.settleWith = settleWith;
  }

  get room(): number {
    return Math.max(0, this.slots - this.open.size);
  }

  letPass(why: string): void {
    throw new Error(`${why}: nothing asks for that`);
  }

  accept(delivery: Delivery): boolean {
    this.deliveries.push(delivery);
    this.open.add(delivery);
    this.most = Math.max(this.most, this.open.size);
    for (const wake of this.waiting.splice(0)) wake();
    const { settleWith } = this;
    if (settleWith !== undefined) setImmediate(() => this.settle(delivery, settleWith));
    return true;
  }

  settle(delivery: Delivery, settlement: Settlement): string | undefined {
    this.open.delete(delivery);
    const done = this.binding?.apply(delivery, settlement);
    this.binding?.roomChanged();
    return done;
  }

  /** The next delivery that no `next` has returned before. */
  async next(): Promise<Delivery> {
    await this.until(this.taken + 1);
    return this.deliveries[this.taken++]!;
  }

  async until(count: number): Promise<readonly Delivery[]> {
    while (this.deliveries.length < count) await new Promise<void>((resolve) => this.waiting.push(resolve));
    return this.deliveries;
  }
}

type HoldWords = Omit<Hold, "sinceMs">;

export interface Replica {
  readonly connection: NatsConnection;
  readonly binder: Binder;
  readonly events: ReturnType<typeof eventRecorder>;
  /** Errors told to `onFault`. */
  readonly faults: RuntimeError[];
  /** Handlers whose subject is elsewhere now. */
  readonly moved: readonly string[];
  /** What holds a handler, by reason: one board for all handlers of the replica. */
  readonly holds: ReadonlyMap<HoldReason, HoldWords>;
  bind(handler: string, metadata: ResolvedMetadata, settleWith?: Settlement): Promise<HeldOwner>;
}

export interface ReplicaOptions {
  readonly provision?: boolean;
  readonly streams?: readonly string[];
  readonly clock?: Clock;
  readonly app?: string;
}

export interface StreamStage {
  readonly server: TestServer;
  readonly client: NatsConnection;
  readonly jsm: JetStreamManager;
  replica(options?: ReplicaOptions): Promise<Replica>;
  /** Publish texts into a stream and await their acknowledgements. */
  store(subject: string, ...texts: readonly string[]): Promise<void>;
  /** As an operator removes a consumer. */
  removeConsumer(stream: string, durable: string): Promise<void>;
}

/** Call it at the top of a test file, with what is to stand in the server's configuration. Each test begins without streams. */
export function useStreamStage(config = ""): StreamStage {
  const cleanups: (() => unknown)[] = [];
  let server: TestServer;
  let client: NatsConnection;
  let jsm: JetStreamManager;
  beforeAll(async () => {
    server = await startTestServer({ config });
  });
  beforeEach(async () => {
    client = await connect({ servers: server.url, maxReconnectAttempts: -1, reconnectTimeWait: 20 });
    jsm = await jetstreamManager(client);
    await removeStreams(jsm);
  });
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
    await client.close();
  });
  afterAll(() => server?.stop());

  return {
    get server() {
      return server;
    },
    get client() {
      return client;
    },
    get jsm() {
      return jsm;
    },
    async replica({ provision = false, streams = [], clock = systemClock, app = "app" } = {}) {
      const connection = await connect({ servers: server.url, maxReconnectAttempts: -1, reconnectTimeWait: 20 });
      cleanups.push(() => connection.close());
      const events = eventRecorder();
      const faults: RuntimeError[] = [];
      const moved: string[] = [];
      const holds = new Map<HoldReason, HoldWords>();
      const board: HoldBoard = {
        begin: (hold) => void holds.set(hold.reason, hold),
        end: (reason) => void holds.delete(reason),
      };
      const instance = crypto.randomUUID().slice(0, 8);
      const { emit } = events;
      const serverClock = new ServerClock(clock);
      const bound = createBinder({
        serverClock,
        connection,
        app,
        instance,
        inboxPrefix: undefined,
        streams,
        provision,
        copies: 1,
        patience: new Patience(clock, 0),
        clock,
        emit,
      });
      const binder = await createScheduledBinder({
        binder: bound,
        connection,
        app,
        copies: 1,
        clock,
        serverClock,
        notices: new RateLimitedNotices(emit, clock),
        emit,
        onPlanned: () => {},
      });
      cleanups.push(() => binder.settled());
      return {
        connection,
        binder,
        events,
        faults,
        moved,
        holds,
        async bind(handler, metadata, settleWith) {
          const owner = new HeldOwner(metadata.concurrency, settleWith);
          const plan = await binder.plan(handler, metadata);
          const onFault = (error: RuntimeError) => void faults.push(error);
          owner.binding = await plan.bind({
            handler,
            metadata,
            owner,
            onOverflow: () => undefined,
            holds: board,
            onFault,
            onMoved: () => void moved.push(handler),
          });
          cleanups.push(() => owner.binding?.unbind());
          return owner;
        },
      };
    },
    async removeConsumer(stream, durable) {
      // Server 2.9 removes it, and now and then complains that a file of it is still being written.
      await jsm.consumers.delete(stream, durable).catch(() => false);
    },
    async store(subject, ...texts) {
      for (const text of texts) await client.request(subject, text);
    },
  };
}

export function textOf(delivery: Delivery): string {
  return Buffer.from(delivery.data).toString();
}
