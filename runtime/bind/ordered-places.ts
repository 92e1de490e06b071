// Where an ordered handler takes from: a durable for each partition of a stream of its own (streams/ordered-stream.ts). And where
// a handler takes from that was ordered before: what is left there, then its own stream again.

import type { JetStreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { delay } from "../clock.ts";
import { RuntimeError } from "../errors.ts";
import type { FleetOrder, ResolvedMetadata, StartFrom } from "../metadata/handler-metadata.ts";
import { isSince } from "../nats/server-version.ts";
import { durableNameOf } from "../streams/durable-name.ts";
import {
  type CopyFrom,
  isSorted,
  type OrderedStream,
  orderedStreamNames,
  partitionFilter,
} from "../streams/ordered-stream.ts";
import {
  leftIn,
  notCopied,
  type OrderedHandler,
  orderedTurn,
  partitionDurable,
  removeSettled,
  whereOrdered,
} from "../streams/ordered-streams.ts";
import { findConsumer } from "../streams/stored-consumer.ts";
import { durableOfHandler } from "./durable-of-handler.ts";
import { readySorter, type SortingTold } from "./sorter.ts";
import type { StreamDeps } from "./stream-deps.ts";
import type { SourcePlace } from "./stream-source.ts";

export interface OrderedSubject {
  readonly handler: string;
  readonly subject: string;
  /** That has the subject. */
  readonly stream: string;
  readonly metadata: ResolvedMetadata;
  readonly provision: boolean;
  readonly copies: number;
  /** The stream that takes the subject now; undefined: cannot be said. Never rejects. */
  readonly where: () => Promise<string | undefined>;
}

/** What is copied so: a source with a subject transform. */
const COPIES_SINCE = [2, 10] as const;
const IN_ANY_ORDER: FleetOrder = { wildcard: 0, partitions: 0 };
/** Names are asked for once for all handlers that start together. */
const NAMES_GOOD_MS = 2_000;

const LOOK_AGAIN_MS = 100;
const MOST_LOOKS = 20;
/** Each replica looks so often, each at its own time; what is removed twice is gone all the same. */
const TIDY_EVERY_MS = 30_000;

export type OrderedTaking =
  | {
      /** One for each partition. */
      readonly places: readonly SourcePlace[];
      /** Removes what is settled, and puts there what the server does not copy, until what is returned is called. */
      readonly upkeep: (told: SortingTold) => () => Promise<void>;
    }
  /** Up to this number of its stream all is handled. */
  | { readonly settledTo: number };

export class OrderedPlaces {
  private readonly deps: StreamDeps;
  /** What each handler wants, and since when: ordered-turn.ts, U3. */
  private readonly wishes = new Map<string, { readonly order: string; readonly sinceMs: number }>();
  private names: { readonly asked: Promise<ReadonlySet<string>>; readonly atMs: number } | undefined;

  constructor(deps: StreamDeps) {
    this.deps = deps;
  }

  /** Whether the handler takes the subject in order, or did so. Rejects as the client does. */
  async concerns(handler: string, subject: string, { fleetOrder }: ResolvedMetadata): Promise<boolean> {
    if (fleetOrder !== undefined) return true;
    const there = await this.streamsThere();
    return orderedStreamNames(this.deps.app, handler, subject).some((name) => there.has(name));
  }

  /** Rejects as the client does, or with STREAM_MISSING or STREAM_REFUSED. */
  async of(ordered: OrderedSubject): Promise<OrderedTaking> {
    const { app, jsm } = this.deps;
    const { handler, stream } = ordered;
    const asked = await this.handlerOf(ordered);
    const turn = await orderedTurn(jsm, asked);
    this.names = undefined; // It may have been made just now.
    if (!("name" in turn)) return turn;
    const part = { app, handler, stream: turn };
    const left = () => leftIn(jsm, part).catch(() => undefined);
    const where = async () => {
      const source = await ordered.where();
      if (source !== undefined && source !== stream) return source;
      return source && whereOrdered(jsm, asked).catch(() => undefined);
    };
    const places = Array.from({ length: turn.division.partitions }, (_, partition) => ({
      subject: partitionFilter(turn, partition),
      stream: turn.name,
      durable: partitionDurable(part, partition),
      copyOf: stream,
      left,
      // One of them looks for all.
      ...(partition === 0 ? { where, isLeaving: !turn.isFed } : { where: async () => turn.name }),
    }));
    const sort = turn.isFed && isSorted(turn.division) ? await this.sorter(ordered, turn) : undefined;
    const upkeep = (told: SortingTold) => {
      const stopTidying = this.tidy(turn);
      const sorter = sort?.(told);
      return async () => {
        stopTidying();
        await sorter?.close();
      };
    };
    return { places, upkeep };
  }

  /** From the handler's own durable, so that it goes on where it was. */
  private async sorter({ handler, subject, stream, metadata }: OrderedSubject, turn: OrderedStream) {
    const { deps } = this;
    const durable = await durableOfHandler(deps, { handler, stream, subject, domain: undefined });
    // With the first of all a consumer begins anyway; one of a work queue may not say so.
    const { begunWith = 1 } = turn;
    const settledTo = begunWith === 1 ? undefined : begunWith - 1;
    const place = { subject, stream, durable, settledTo, where: async () => stream };
    return readySorter({ deps, handler, stream: turn, metadata }, place);
  }

  private tidy(stream: OrderedStream): () => void {
    const { jsm, clock } = this.deps;
    const timer = clock.every(TIDY_EVERY_MS, () => {
      removeSettled(jsm, stream).catch(() => undefined); // It is looked at again.
    });
    return () => timer.cancel();
  }

  private async handlerOf(ordered: OrderedSubject): Promise<OrderedHandler> {
    const { connection, app, jsm } = this.deps;
    const { handler, subject, stream, metadata, copies, provision } = ordered;
    const order = metadata.fleetOrder ?? IN_ANY_ORDER;
    const info = await jsm.streams.info(stream);
    if (order.partitions > 0) {
      assertNewEnough(connection, handler);
      // What the replicas put in order themselves they take with the handler's own consumer.
      const why = isSorted(order) ? undefined : notCopied(info);
      if (why !== undefined) throw cannotOrder(handler, `stream "${stream}" ${why}`);
    }
    const wish = {
      division: { ...order, subject, source: stream, sourceCreated: info.created },
      sinceMs: this.since(handler, JSON.stringify(order)),
      from: await this.begins(jsm, ordered, info.state.last_seq),
      names: orderedStreamNames(app, handler, subject),
      mayChange: provision,
    };
    return { app, handler, copies, wish };
  }

  private since(handler: string, order: string): number {
    const before = this.wishes.get(handler);
    if (before?.order === order) return before.sinceMs;
    const wish = { order, sinceMs: this.deps.serverClock.nowMs() };
    this.wishes.set(handler, wish);
    return wish.sinceMs;
  }

  /** Where it was when it ran without an order, else as its metadata says. */
  private async begins(jsm: JetStreamManager, { handler, subject, stream, metadata }: OrderedSubject, last: number) {
    const settled = await this.settledTo(jsm, stream, durableNameOf(this.deps.app, handler, subject));
    return settled === undefined ? beginning(metadata.from, last) : { sequence: settled + 1 };
  }

  /**
   * What a durable has in hand is about to be settled: it is waited for, a moment long, as it would be copied and run again.
   * Undefined: there is no such durable.
   */
  private async settledTo(jsm: JetStreamManager, stream: string, durable: string): Promise<number | undefined> {
    for (let looks = 1; ; looks++) {
      const info = await findConsumer(jsm, stream, durable);
      if (info === undefined) return undefined;
      if (info.num_ack_pending === 0 || looks === MOST_LOOKS) return info.ack_floor.stream_seq;
      await delay(this.deps.clock, LOOK_AGAIN_MS);
    }
  }

  private async streamsThere(): Promise<ReadonlySet<string>> {
    const nowMs = this.deps.clock.monotonicMs();
    if (this.names === undefined || nowMs - this.names.atMs > NAMES_GOOD_MS) {
      this.names = { asked: namesOf(this.deps.jsm), atMs: nowMs };
    }
    return this.names.asked;
  }
}

async function namesOf(jsm: JetStreamManager): Promise<ReadonlySet<string>> {
  const names = new Set<string>();
  for await (const name of jsm.streams.names()) names.add(name);
  return names;
}

function beginning(from: StartFrom, last: number): CopyFrom {
  switch (from.kind) {
    case "all":
      return { sequence: 1 };
    case "new":
    case "last": // Said by no handler that shares its messages.
      return { sequence: last + 1 };
    case "sequence":
      return { sequence: from.sequence };
    case "time":
      return { atMs: from.atMs };
  }
}

function assertNewEnough({ info }: NatsConnection, handler: string): void {
  if (isSince(info?.version, COPIES_SINCE)) return;
  throw cannotOrder(handler, `this is nats-server ${info?.version ?? "of an unknown version"}, and it takes 2.10`);
}

function cannotOrder(handler: string, why: string): RuntimeError {
  const message = `handler "${handler}" cannot have an order over all replicas (orderBy: { wildcard }, { header } or { field }): ${why}`;
  return new RuntimeError("STREAM_REFUSED", message, {
    handler,
    remedy: 'A function as orderBy keeps the order within a replica; concurrency: "one" that of all messages.',
  });
}
