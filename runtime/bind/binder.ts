// Chooses the binding for a handler's kind.

import type { NatsConnection } from "@nats-io/transport-node";
import { type Clock, delay } from "../clock.ts";
import { RuntimeError } from "../errors.ts";
import type { Emit } from "../events.ts";
import type { PlannedBinding } from "../message/binding.ts";
import type { ResolvedMetadata } from "../metadata/handler-metadata.ts";
import { usesMarks } from "../metadata/spacing.ts";
import { ConnectionState } from "../nats/connection-state.ts";
import { withoutJetStream } from "../nats/jetstream-errors.ts";
import { askForJetStream, lacksJetStream } from "../nats/no-jetstream.ts";
import { isNotYet, type Patience } from "../nats/patience.ts";
import type { ServerClock } from "../nats/server-clock.ts";
import { StandingSubscriptions } from "../nats/standing-subscriptions.ts";
import { requestsCapturedNow } from "../streams/captured-requests.ts";
import { queueGroupOf, replicaConsumerName } from "../streams/durable-name.ts";
import { leftNotice, takesText } from "../streams/left-behind.ts";
import { StreamFinder } from "../streams/stream-finder.ts";
import { BoundHandlers } from "./bound-handlers.ts";
import { bindCore } from "./core-binding.ts";
import { durableOfHandler } from "./durable-of-handler.ts";
import { EventBinding } from "./event-binding.ts";
import { holdDurable } from "./held-durable.ts";
import { OrderedPlaces, type OrderedSubject, type OrderedTaking } from "./ordered-places.ts";
import { RedriveSource } from "./redrive-source.ts";
import { bindStream, idPrefixOf, type Upkeep } from "./stream-binding.ts";
import { createStreamDeps, type StreamDeps } from "./stream-deps.ts";
import type { SourcePlace } from "./stream-source.ts";

export interface Binder {
  /** Rejects with a RuntimeError when the handler cannot be bound as its metadata asks. */
  plan(handler: string, metadata: ResolvedMetadata): Promise<PlannedBinding>;
  /**
   * Keep the place of a handler that is off, where its stream does not: until what is returned is called, the messages of
   * a durable handler wait for it. Never rejects.
   */
  hold(handler: string, metadata: ResolvedMetadata): Promise<() => void>;
  /** The handler is gone, and unbound: what still waits for it is told. */
  removed(handler: string): void;
  /** Resolves when what failed for want of NATS may be tried again: once it is there, and a second from now at the earliest. */
  worthRetrying(): Promise<void>;
  /** The app's own streams: those declared, and those made for handlers planned so far. */
  readonly ownStreams: readonly string[];
  /** Those of the account that handlers planned so far take from, whoever made them. */
  readonly takenStreams: readonly string[];
  /**
   * Resolves when every settlement is out, and every dead letter stored or, where it cannot be now, its message given back.
   * To be awaited before the connection closes.
   */
  settled(): Promise<void>;
}

export interface BinderOptions {
  readonly connection: NatsConnection;
  readonly app: string;
  /** Different for every start of the runtime. */
  readonly instance: string;
  readonly inboxPrefix: string | undefined;
  /** Names of the declared streams. */
  readonly streams: readonly string[];
  /** Make a stream for a durable handler's subject when none takes it. */
  readonly provision: boolean;
  /** Of each stream that the runtime makes, its own and those of handlers. */
  readonly copies: number;
  /** That of a start: what JetStream does not answer now is asked again, rather than told as a failure. */
  readonly patience: Patience;
  readonly clock: Clock;
  readonly serverClock: ServerClock;
  readonly emit: Emit;
  /** A dead letter of the handler is stored. */
  readonly onLetterKept?: (handler: string) => void;
}

interface SubjectTaking {
  readonly places: readonly SourcePlace[];
  readonly upkeep?: Upkeep | undefined;
}

/** How long binding a durable handler waits for a lost connection before it is given up, and begun anew when it is back. */
const WAIT_UP_MS = 5_000;

/** It may be connected, and JetStream not there yet. */
const RETRY_MS = 1_000;

export function createBinder(options: BinderOptions): Binder {
  const { connection, app, streams, provision, copies, clock, emit } = options;
  const finder = new StreamFinder({ connection, app, declared: streams, provision, copies, clock, emit });
  const bound = new BoundHandlers();
  const taken = new Set<string>();
  const state = new ConnectionState(connection, clock);
  const subscriptions = new StandingSubscriptions(connection, clock);
  let deps: Promise<StreamDeps> | undefined;
  let ordered: OrderedPlaces | undefined;
  let ownConsumers = 0;

  function streamDeps(): Promise<StreamDeps> {
    deps ??= createStreamDeps({ ...options, subscriptions });
    return deps;
  }

  /** Only of our own JetStream: that of another domain may be away for days, and nothing else depends on it. */
  function surely<T>({ domain }: ResolvedMetadata, step: () => Promise<T>): Promise<T> {
    return domain === undefined ? options.patience.surely(step, isNotYet) : step();
  }

  async function planDurable(handler: string, metadata: ResolvedMetadata): Promise<PlannedBinding> {
    if (!(await state.up(WAIT_UP_MS))) throw notConnected(handler);
    await assertJetStream(connection, handler);
    const deps = await streamDeps();
    if (provision && usesMarks(metadata)) await deps.marks.ensure();
    const takings: SubjectTaking[] = [];
    for (const subject of metadata.subjects) takings.push(await takingOf(deps, handler, subject, metadata));
    const places = takings.flatMap((taking) => taking.places);
    const upkeep = takings.find((taking) => taking.upkeep !== undefined)?.upkeep;
    const idPrefixes = places.map((place) => idPrefixOf(place, metadata));
    if (metadata.outputs === "atomic") await deps.outputs.prepare(handler, idPrefixes);
    const shared = metadata.everyReplica ? [] : places;
    return {
      idPrefixes,
      groups: shared.map(({ durable }) => durable),
      async bind(request) {
        const binding = await surely(metadata, () => bindStream({ deps, places, upkeep, ...request }));
        return bound.add(handler, binding, {
          takes: takesText(metadata),
          places: shared.map(({ durable }, origin) => ({
            place: `${idPrefixes[origin]}${durable}`,
            async onLeft(now) {
              const left = await binding.leftBehind(origin);
              if (left !== undefined) deps.notices.tell(`left ${durable}`, "warn", leftNotice(left, now));
            },
          })),
        });
      },
    };
  }

  /** A stream is found, or made, for each subject; it is taken from in one place, or in several of a copy that keeps an order. */
  async function takingOf(
    deps: StreamDeps,
    handler: string,
    subject: string,
    metadata: ResolvedMetadata,
  ): Promise<SubjectTaking> {
    const { domain } = metadata;
    const stream = await finder.streamFor(subject, handler, metadata);
    if (domain === undefined) taken.add(stream);
    // While the connection is lost nobody can say.
    const where = async () => (state.isUp ? finder.where(subject, metadata) : undefined);
    if (metadata.everyReplica) {
      const replica = `${options.instance} ${++ownConsumers}`;
      return {
        places: [
          { subject, stream, durable: replicaConsumerName(app, handler, subject, replica), ofReplica: true, where },
        ],
      };
    }
    const order = await orderOf(deps, { handler, subject, stream, metadata, provision, copies, where });
    if (order !== undefined && "places" in order) return order;
    const durable = await durableOfHandler(deps, { handler, stream, subject, domain });
    return { places: [{ subject, stream, durable, where, ...order }] };
  }

  /** Undefined: it is taken in no order, and never was. */
  async function orderOf(deps: StreamDeps, taken: OrderedSubject): Promise<OrderedTaking | undefined> {
    ordered ??= new OrderedPlaces(deps);
    const { handler, subject, metadata } = taken;
    if (metadata.domain !== undefined || !(await ordered.concerns(handler, subject, metadata))) return undefined;
    return ordered.of(taken);
  }

  async function holdSubject(handler: string, subject: string, metadata: ResolvedMetadata): Promise<() => void> {
    // No right to ask, or still no answer: then nothing is known that could be held.
    const looking = surely(metadata, () => finder.look(subject, metadata)).catch(() => undefined);
    const stream = await looking;
    if (stream === undefined) return () => undefined;
    const { domain, oneAtATime, from } = metadata;
    const held = { handler, stream, subject, domain, oneAtATime, from };
    return holdDurable(await streamDeps(), held, (step) => surely(metadata, step));
  }

  return {
    async plan(handler, metadata) {
      if (metadata.kind === "durable") return surely(metadata, () => planDurable(handler, metadata));
      return planCore(handler, metadata, { ...options, subscriptions }, streamDeps, bound);
    },
    async hold(handler, metadata) {
      const waits = metadata.kind === "durable" && !metadata.everyReplica;
      if (!waits || lacksJetStream(connection)) return () => undefined;
      const holding = metadata.subjects.map((subject) => holdSubject(handler, subject, metadata));
      const held = await Promise.all(holding);
      return () => {
        for (const release of held) release();
      };
    },
    removed: (handler) => bound.removed(handler),
    async worthRetrying() {
      await Promise.all([state.isBack(), delay(options.clock, RETRY_MS)]);
    },
    get ownStreams() {
      return finder.own;
    },
    get takenStreams() {
      return [...taken];
    },
    async settled() {
      if (deps === undefined) return;
      const { letters, pending, lingering } = await deps;
      await lingering.close();
      letters.hurry();
      await pending.settled();
    },
  };
}

function planCore(
  handler: string,
  metadata: ResolvedMetadata,
  { connection, subscriptions, app, instance, emit }: BinderOptions & { readonly subscriptions: StandingSubscriptions },
  streamDeps: () => Promise<StreamDeps>,
  bound: BoundHandlers,
): PlannedBinding {
  const idPrefix = `${instance}.${handler}.`;
  const group = metadata.everyReplica ? undefined : queueGroupOf(app, handler);
  return {
    idPrefixes: [idPrefix],
    groups: group === undefined ? [] : [group],
    async bind({ owner, onOverflow, holds, onFault }) {
      const core = await bindCore({
        connection,
        subscriptions,
        subjects: metadata.subjects,
        queueGroup: group,
        replies: metadata.kind === "request",
        idPrefix,
        owner,
        onOverflow,
        holds,
        onFault,
      });
      const { kind, subjects } = metadata;
      const places = subjects.map((subject) => ({ place: `${kind} ${subject}` }));
      const taking = { takes: takesText(metadata), places };
      if (kind === "request" && !lacksJetStream(connection)) {
        const warn = (warning: RuntimeError) => emit({ type: "handler.warned", handler, warning });
        void requestsCapturedNow(connection, handler, subjects).then((found) => found && warn(found));
      }
      if (kind === "request" || lacksJetStream(connection)) return bound.add(handler, core, taking);
      const deps = await streamDeps();
      const source = { deps, handler, streams: [], metadata: () => metadata, owner, onError: onFault };
      const binding = new EventBinding({ deps, handler, core, redrives: new RedriveSource(source) });
      return bound.add(handler, binding, taking);
    },
  };
}

/** An account may have been given it since it was asked last. */
async function assertJetStream(connection: NatsConnection, handler: string): Promise<void> {
  if (lacksJetStream(connection)) await askForJetStream(connection);
  if (lacksJetStream(connection))
    throw withoutJetStream(connection, `handler "${handler}" is durable, and needs JetStream`, { handler });
}

function notConnected(handler: string): RuntimeError {
  const message = `durable handler "${handler}" cannot be bound while NATS is gone; it is tried again when it is back`;
  return new RuntimeError("NATS_UNREACHABLE", message, { handler });
}
