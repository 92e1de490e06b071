// Chooses the binding for a handler's kind.

import type { NatsConnection } from "@nats-io/transport-node";
import { type Clock, delay } from "../clock.ts";
import type { Delivery } from "../deliver/delivery.ts";
import { RuntimeError } from "../errors.ts";
import type { Emit } from "../events.ts";
import type { ResolvedMetadata } from "../metadata/handler-metadata.ts";
import type { Binding, BindingOwner } from "./binding.ts";
import { ConnectionState } from "./connection-state.ts";
import { bindCore } from "./core-binding.ts";
import { durableClash, durableNameOf, handlerTokens } from "./durable-name.ts";
import { EventBinding } from "./event-binding.ts";
import { lacksJetStream } from "./no-jetstream.ts";
import { RedriveSource } from "./redrive-source.ts";
import { bindStream, streamIdPrefix } from "./stream-binding.ts";
import { createStreamServices, type StreamServices } from "./stream-services.ts";
import { StreamFinder } from "./streams.ts";

export interface BindRequest {
  readonly handler: string;
  readonly metadata: ResolvedMetadata;
  readonly owner: BindingOwner;
  readonly onOverflow: (delivery: Delivery) => void;
  readonly onLost: (error: RuntimeError) => void;
}

/** A binding worked out but not made: its deliveries' ids are known before the first one comes. */
export interface PlannedBinding {
  readonly idPrefix: string;
  /** Queue group or durable consumer: what replicas share. */
  readonly group: string;
  bind(request: BindRequest): Promise<Binding>;
}

export interface Binder {
  /** Rejects with a RuntimeError when the handler cannot be bound as its metadata asks. */
  plan(handler: string, metadata: ResolvedMetadata): Promise<PlannedBinding>;
  /** Resolves when what failed for want of NATS may be tried again: once it is there, and a second from now at the earliest. */
  worthRetrying(): Promise<void>;
  /** The app's own streams: those declared, and those made for handlers planned so far. */
  readonly ownStreams: readonly string[];
  /** Resolves when every settlement is out, and every dead letter stored. To be awaited before the connection closes. */
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
  readonly clock: Clock;
  readonly emit: Emit;
  /** A dead letter of the handler is stored. */
  readonly onLetterKept?: (handler: string) => void;
}

/** How long binding a durable handler waits for a lost connection before it is given up, and begun anew when it is back. */
const WAIT_UP_MS = 5_000;

/** It may be connected, and JetStream not there yet. */
const RETRY_MS = 1_000;

export function createBinder(options: BinderOptions): Binder {
  const { connection, app, streams, provision, emit } = options;
  const finder = new StreamFinder({ connection, app, declared: streams, provision, emit });
  // By handler, how many bindings it has: two while one replaces the other.
  const durables = new Map<string, number>();
  const state = new ConnectionState(connection, options.clock);
  let services: Promise<StreamServices> | undefined;

  function streamServices(): Promise<StreamServices> {
    services ??= createStreamServices(options);
    return services;
  }

  return {
    async plan(handler, metadata) {
      if (metadata.kind !== "durable") return planCore(handler, metadata, options, streamServices);
      assertOwnDurable(app, handler, durables);
      if (!(await state.up(WAIT_UP_MS))) throw notConnected(handler);
      const stream = await finder.streamFor(metadata.subject, handler);
      return {
        idPrefix: streamIdPrefix(stream),
        group: durableNameOf(app, handler),
        async bind(request) {
          assertOwnDurable(app, handler, durables);
          const forget = countUp(durables, handler);
          try {
            const binding = await bindStream({ services: await streamServices(), stream, ...request });
            return whenUnbound(binding, forget);
          } catch (error) {
            forget();
            throw error;
          }
        },
      };
    },
    async worthRetrying() {
      await Promise.all([state.isBack(), delay(options.clock, RETRY_MS)]);
    },
    get ownStreams() {
      return finder.own;
    },
    async settled() {
      if (services !== undefined) await (await services).pending.settled();
    },
  };
}

function planCore(
  handler: string,
  metadata: ResolvedMetadata,
  { connection, app, instance }: BinderOptions,
  streamServices: () => Promise<StreamServices>,
): PlannedBinding {
  const idPrefix = `${instance}.${handler}.`;
  const group = queueGroupOf(app, handler);
  return {
    idPrefix,
    group,
    async bind({ owner, onOverflow, onLost }) {
      const core = await bindCore({
        connection,
        subject: metadata.subject,
        queueGroup: group,
        replies: metadata.kind === "request",
        idPrefix,
        owner,
        onOverflow,
        onLost,
      });
      if (metadata.kind === "request" || lacksJetStream(connection)) return core;
      const services = await streamServices();
      const source = { services, handler, stream: undefined, metadata: () => metadata, owner, onError: onLost };
      return new EventBinding({ services, handler, core, redrives: new RedriveSource(source) });
    },
  };
}

/** `<app>.<handler>` with `/` as `.`: replicas share, every handler gets its own copy. */
export function queueGroupOf(app: string, handler: string): string {
  return `${app}.${handlerTokens(handler)}`;
}

function assertOwnDurable(app: string, handler: string, durables: ReadonlyMap<string, number>): void {
  const clash = durableClash(app, [...durables.keys(), handler]);
  if (clash === undefined) return;
  const [first, second] = clash;
  const message = `durable handlers "${first}" and "${second}" would share one durable consumer: inside JetStream both are called the same`;
  throw new RuntimeError("NAME_CONFLICT", message, { handler, remedy: "Rename one of the two files." });
}

function notConnected(handler: string): RuntimeError {
  const message = `durable handler "${handler}" cannot be bound while NATS is gone; it is tried again when it is back`;
  return new RuntimeError("NATS_UNREACHABLE", message, { handler });
}

/** Returns what counts down again. */
function countUp(counts: Map<string, number>, key: string): () => void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
  return () => {
    const left = (counts.get(key) ?? 1) - 1;
    if (left === 0) counts.delete(key);
    else counts.set(key, left);
  };
}

function whenUnbound(binding: Binding, forget: () => void): Binding {
  const unbind = binding.unbind.bind(binding);
  let unbinding: Promise<void> | undefined;
  binding.unbind = () => (unbinding ??= unbind().finally(forget));
  return binding;
}
