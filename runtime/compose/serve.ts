// Wires what takes messages to the workers, over a connection to NATS: what each part does stands in its own folder.

import { createBinder } from "../bind/binder.ts";
import { ensureKeptStreams } from "../bind/kept-streams.ts";
import { type Clock, within, withinTogether } from "../clock.ts";
import type { ResolvedConfig } from "../config/resolved-config.ts";
import { Backlog } from "../control/backlog.ts";
import { ControlPlane } from "../control/control-plane.ts";
import { MessageTap } from "../control/message-tap.ts";
import { ReplicaSlowDowns } from "../control/slow-downs.ts";
import { ReplicaSlowStarts } from "../control/slow-starts.ts";
import type { EmbeddedServer } from "../dev-server/embedded-server.ts";
import type { FileWatch } from "../discover/watch.ts";
import { RuntimeError, toRuntimeError } from "../errors.ts";
import type { RuntimeEvent } from "../events.ts";
import type { Reaper } from "../isolate/reaper.ts";
import { LaterStore } from "../later/later-store.ts";
import { provisionLater } from "../later/later-stream.ts";
import { LaterRelay } from "../later/relay.ts";
import type { Call } from "../message/handler-call.ts";
import { type CarryAsk, isOfSchedules } from "../message/schedule-call.ts";
import type { CarryStoreCall } from "../message/store-call.ts";
import { claims } from "../metadata/claims.ts";
import type { Uses } from "../metadata/handler-metadata.ts";
import { globMatcher } from "../metadata/name-filter.ts";
import { connect, type NatsConnection } from "../nats/connection.ts";
import { ConnectionState } from "../nats/connection-state.ts";
import { managerOf } from "../nats/jetstream.ts";
import { jetStreamError } from "../nats/jetstream-errors.ts";
import { askForJetStream, lacksJetStream } from "../nats/no-jetstream.ts";
import { ELECTIONS_MS, Patience } from "../nats/patience.ts";
import { RateLimitedNotices } from "../nats/rate-limited-notices.ts";
import { retryAfterReconnect } from "../nats/retry-after-reconnect.ts";
import { ServerClock } from "../nats/server-clock.ts";
import { StandingSubscriptions } from "../nats/standing-subscriptions.ts";
import { watchNats } from "../observe/health-nats.ts";
import type { RuntimeSource } from "../observe/metrics-source.ts";
import { ServiceProtocol } from "../observe/service-protocol.ts";
import { createRateStore } from "../pacing/rate-store.ts";
import { Publisher } from "../publish/publisher.ts";
import { provisionSchedules } from "../schedule/mark-store.ts";
import { createScheduledBinder } from "../schedule/scheduled-binder.ts";
import { Timetable } from "../schedule/timetable.ts";
import { provisionTimetable } from "../schedule/timetable-stream.ts";
import { bucketsOf } from "../stores/bucket-streams.ts";
import { withLargePayloads } from "../stores/large-payloads.ts";
import { provisionOnce } from "../stores/once-bucket.ts";
import { type LargeBucket, Stores } from "../stores/stores.ts";
import { queueGroupOf } from "../streams/durable-name.ts";
import { tellLeftBehind } from "../streams/left-behind.ts";
import { copiesFor } from "../streams/own-stream.ts";
import { raiseCopies } from "../streams/raise-copies.ts";
import { ensureStreams } from "../streams/streams.ts";
import { tellUnclaimed } from "../streams/unclaimed.ts";
import { createConcurrencyLimit } from "../supervise/concurrency-limit.ts";
import type { HandlerStatus } from "../supervise/handler-status.ts";
import type { Disabled } from "../supervise/intent.ts";
import { Supervisor } from "../supervise/supervisor.ts";
import type { StartedTracing } from "../trace/tracing.ts";
import { provisionVersions } from "../versions/version-store.ts";
import { streamsForRuntime } from "./own-streams.ts";
import type { Runtime, RuntimeOptions } from "./runtime-options.ts";
import { type Tools, wantedBy } from "./tools.ts";
import { createVersions } from "./versions.ts";

/** What is there before NATS is. */
export interface Ground {
  readonly options: RuntimeOptions;
  readonly instance: string;
  readonly candidatesAtOnce: number;
  readonly observed: RuntimeSource;
  readonly reaper: Reaper;
  readonly tools: Tools;
  readonly tracing: StartedTracing | undefined;
  /** What is started here is added to it, and closed by whoever called. */
  readonly closers: (() => unknown)[];
  /** From now on operators may ask for the log. */
  readonly onControl: (control: ControlPlane) => void;
}

export interface Serving extends Omit<Runtime, "close"> {
  /** Log what is stored and taken by no handler, or by no version that runs. Does not wait. */
  tellUnclaimed(): void;
  /** Resolves with what did not end within the grace. */
  drain(graceMs: number): Promise<readonly string[]>;
}

const CLOSE_NATS_MS = 1_000;
/** How long a start waits for a connection that was lost on the way: as long as for the first one. */
const BACK_WITHIN_MS = 10_000;
/** For dead letters and other settlements that the server has to confirm, all of them together: one that stands still confirms none. */
const SETTLE_MS = 2_500;
const DEFAULT_NATS_PORT = 4222;

/** Resolves when every handler serves or has failed; rejects with a RuntimeError when nothing can run. */
export async function serveOnNats(ground: Ground): Promise<Serving> {
  const { options, instance, observed, reaper, tools, tracing, closers } = ground;
  const { config, mode, clock, emit, environment, inspect = new Map<string, number>() } = options;
  const { app } = config;
  const provision = mode === "dev" || options.provision === true;
  const settling = withinTogether(clock, SETTLE_MS);
  const server = await serverFor(options, reaper);
  closers.push(() => server?.close());
  // A server of ours is one alone, and has no domain.
  const nats = server === undefined ? { servers: config.nats.servers! } : { servers: [server.url], domain: undefined };
  const { servers } = nats;
  const connection = await connect({
    settings: { ...config.nats, ...nats },
    name: `${app}/${instance}`,
    emit,
    clock,
  });
  closers.push(() => closeConnection(connection, clock));
  observed.nats = watchNats(connection, clock);
  const state = new ConnectionState(connection, clock);
  const patience = new Patience(clock, ELECTIONS_MS, (error, leftMs) => emit(stillWaits(connection, error, leftMs)));
  const surely = <T>(step: () => Promise<T>) => retryAfterReconnect(state, BACK_WITHIN_MS, () => patience.surely(step));
  const service = new ServiceProtocol({
    connection,
    source: observed,
    queueGroup: (handler) => queueGroupOf(app, handler),
    startedAtMs: clock.nowMs(),
    clock,
    emit,
  });
  closers.push(() => settling(service.close()));
  await askForJetStream(connection);
  if (options.hold === true && lacksJetStream(connection)) throw cannotLetGo();
  const copies = copiesFor(config.copies, connection);
  const serverClock = options.serverClock ?? new ServerClock(clock, (skewMs) => emit(clocksDisagree(skewMs)));
  const notices = new RateLimitedNotices(emit, clock);
  const { inboxPrefix } = config.nats;
  const publisher = new Publisher({ connection, app, inboxPrefix, clock, notices });
  const publish: Call = (made) => publisher.call(made);
  const laterStore = new LaterStore({ connection, app, clock, serverClock, copies, publish });
  const { onCall } = options;
  const send: Call = (made) => (made.later === undefined ? publisher.call(made) : laterStore.call(made, made.later));
  const { largePayloads: large } = config;
  const stores = new Stores({ connection, state, app, provision, copies, large, clock, emit });
  const store: CarryStoreCall = (made) => stores.call(made);
  const carryOut = large === undefined ? send : withLargePayloads({ connection, bucket: large.bucket, store, send });
  const tap = new MessageTap({ app, clock, keeps: mode === "dev" });
  const call: Call = (made) => {
    onCall?.(made);
    return tap.isOpen ? tap.call(made, carryOut) : carryOut(made);
  };
  const subscriptions = new StandingSubscriptions(connection, clock);
  const slowDowns = new ReplicaSlowDowns({ connection, subscriptions, app, instance });
  closers.push(() => settling(slowDowns.close()));
  const slowStarts = new ReplicaSlowStarts();
  const fleetRates = await createRateStore({ connection, app, copies, provision, serverClock });
  const onLetterKept = (handler: string) => supervisor.deadLetterKept(handler);
  const bound = createBinder({
    connection,
    app,
    instance,
    inboxPrefix,
    streams: config.streams.map(({ name }) => name),
    provision,
    copies,
    patience,
    clock,
    serverClock,
    emit,
    onLetterKept,
  });
  closers.push(() => settling(bound.settled()));
  const binder = await createScheduledBinder({
    binder: bound,
    connection,
    app,
    copies,
    clock,
    serverClock,
    notices,
    emit,
    onPlanned: (handler, what, count) => supervisor.planned(handler, what, count),
  });
  const relay = await LaterRelay.create({
    connection,
    app,
    instance,
    inboxPrefix,
    clock,
    serverClock,
    notices,
    copies,
    publish,
    onLetterKept,
  });
  closers.push(() => settling(relay.close()));
  const timetable = new Timetable(
    { connection, app, copies, clock, serverClock, notices, emit, publish },
    await managerOf(connection),
  );
  closers.push(() => settling(timetable.close()));
  const ask: CarryAsk = (made) => (isOfSchedules(made) ? timetable.call(made) : store(made));
  let watch: FileWatch | undefined;
  const { sourcesDir, discover, known, pool } = tools;
  const serving = (handler: string) => supervisor.servingVersion(handler);
  const versions = await createVersions({
    ...{ connection, config, tools, copies, serving, clock, emit },
    nowMs: () => serverClock.nowMs(),
    sayRollback: (handler, rollback) => operators.sayRollback(handler, rollback),
  });
  closers.push(() => settling(versions.close()));
  const supervisor: Supervisor = new Supervisor({
    discover,
    wanted: wantedBy(config),
    disabledFromStart: disabledBy(config, clock),
    hold: options.hold === true,
    eagerWorkers: config.eagerWorkers,
    clock,
    emit,
    ownBundler: tools.bundler,
    onInputs: mode === "dev" ? (paths) => watch?.follow(paths) : undefined,
    deps: {
      app,
      rootDir: config.rootDir,
      sourcesDir,
      defaults: config.defaults,
      startTimeoutMs: config.startTimeoutMs,
      killGraceMs: config.killGraceMs,
      maxHops: config.maxHops,
      environment,
      bundler: versions.bundler,
      known,
      pool,
      evaluator: versions.evaluator,
      versions,
      binder,
      call: tracing?.around(call) ?? call,
      store: ask,
      spans: tracing?.runs,
      tap,
      slowDowns,
      slowStarts,
      fleetRates,
      retrySpread: options.retrySpread,
      gate: createConcurrencyLimit(ground.candidatesAtOnce),
      inspectPort: (handler) => inspect.get(handler),
      clock,
      emit,
    },
  });
  const operators: ControlPlane = new ControlPlane({
    connection,
    app,
    instance,
    supervisor,
    rollBack: (handler, rollback) => versions.rollbacks.say(handler, rollback, () => supervisor.reload(handler)),
    messages: tap,
    slowStarts,
    clock,
    serverClock,
    emit,
    copies,
  });
  ground.onControl(operators);
  closers.push(() => operators.close());
  observed.handlers = () => supervisor.readings();
  const backlog = new Backlog(connection, app);
  observed.pending = (handlers) => backlog.ofAll(handlers);
  try {
    await Promise.all([
      surely(() => ensureStreams({ connection, streams: config.streams, provision, copies, emit })),
      options.provision === true ? surely(() => ensureKeptStreams(connection, app, copies)) : undefined,
      options.provision === true ? surely(() => provisionLater(connection, app, copies)) : undefined,
      options.provision === true ? surely(() => provisionSchedules(connection, app, copies)) : undefined,
      options.provision === true ? surely(() => provisionVersions(connection, app, copies)) : undefined,
      surely(() => operators.loadIntents()),
    ]);
    if (mode === "dev") {
      watch = await watchHandlers(config, supervisor, options);
      await watch.ready;
    }
    void raiseCopies({
      connection,
      streams: streamsForRuntime(app),
      copies,
      isStated: config.copies !== undefined,
      patience,
      clock,
      emit,
    });
    await supervisor.start();
    // What is due is published when those are bound that are to have it.
    timetable.start();
    if (options.provision === true) {
      await surely(() => stores.make(bucketsOf(usedBy(supervisor.status(), large))));
      await provisionOnce({ connection, app, copies, surely, emit });
      await provisionTimetable({ connection, app, copies, surely, emit });
    }
    if (mode === "start") await tools.rest();
    await surely(() => operators.listen());
    await surely(() => service.listen());
  } catch (error) {
    patience.end();
    // Handlers that are bound already would go on looking for their consumers, and keep the process alive.
    await watch?.close();
    await supervisor.close(0);
    throw error;
  }
  return {
    natsUrl: servers.join(","),
    connection,
    status: () => supervisor.status(),
    reload: (name) => supervisor.reload(name),
    tellUnclaimed() {
      const handlers = supervisor.status();
      const streams = binder.ownStreams;
      void tellUnclaimed({ connection, streams, taken: handlers.flatMap(claims), emit });
      void tellLeftBehind({ connection, app, streams: binder.takenStreams, handlers, emit });
    },
    async drain(graceMs) {
      patience.end();
      operators.close();
      await watch?.close();
      return supervisor.close(graceMs);
    },
  };
}

function usedBy(handlers: readonly HandlerStatus[], large: LargeBucket | undefined): Uses[] {
  const own = large === undefined ? [] : [{ kv: [], objects: [large.bucket] }];
  return [...handlers.flatMap(({ uses = [] }) => uses), ...own];
}

function clocksDisagree(skewMs: number): RuntimeEvent {
  const apart = `${Math.round(Math.abs(skewMs) / 1_000)} s ${skewMs > 0 ? "ahead of" : "behind"}`;
  const message = `the clock of this machine is ${apart} that of the NATS server: \`expires\` and \`disable --for\` go by the server's, times in the log by this one. Set it by NTP`;
  return { type: "runtime.notice", level: "warn", message };
}

function stillWaits(connection: NatsConnection, error: unknown, leftMs: number): RuntimeEvent {
  const { message } = jetStreamError(error, {
    connection,
    code: "NATS_UNREACHABLE",
    doing: "the start waits for NATS",
  });
  const again = `it is tried again for ${Math.round(leftMs / 1_000)} s`;
  // Nothing is wrong yet: a cluster chooses its leaders.
  return { type: "runtime.notice", level: "info", message: `${message}; ${again}` };
}

async function watchHandlers(
  config: ResolvedConfig,
  supervisor: Supervisor,
  { clock, emit }: RuntimeOptions,
): Promise<FileWatch> {
  const { watchFiles } = await import("../discover/watch.ts");
  return watchFiles({
    handlersDir: config.handlersDir,
    clock,
    onChange: (paths) => void supervisor.changed(paths),
    onError: (error) =>
      emit({ type: "runtime.notice", level: "warn", message: toRuntimeError(error, "watching files").message }),
  });
}

async function closeConnection(connection: NatsConnection, clock: Clock): Promise<void> {
  // Closed already, or the server is gone: nothing is left to drain or to close.
  const drained = connection.drain().catch(() => undefined);
  await within(clock, CLOSE_NATS_MS, drained);
  await connection.close().catch(() => undefined);
}

async function serverFor(options: RuntimeOptions, reaper: Reaper): Promise<EmbeddedServer | undefined> {
  const { config, mode, clock, emit, onProgress, natsPort = DEFAULT_NATS_PORT } = options;
  if (config.nats.servers !== undefined) return undefined;
  if (mode === "dev") {
    const { startEmbeddedServer } = await import("../dev-server/embedded-server.ts");
    return startEmbeddedServer({ stateDir: config.stateDir, port: natsPort, reaper, clock, emit, onProgress });
  }
  throw new RuntimeError("NATS_NOT_CONFIGURED", "`start` needs to know where NATS is, and no server is configured", {
    remedy:
      "Set NATS_URL, `nats.servers` in handlers.config.ts or --server. `handlers dev` brings a server of its own.",
  });
}

function cannotLetGo(): RuntimeError {
  return new RuntimeError(
    "USAGE",
    "`start --hold` holds handlers that nobody could enable: there is no JetStream here",
    {
      remedy: "Turn JetStream on (`nats-server -js`), or name handlers in HANDLERS_DISABLED.",
    },
  );
}

/** The environment speaks before the file, as everywhere. */
function disabledBy({ disabled }: ResolvedConfig, clock: Clock): (name: string) => Disabled | undefined {
  const sinceMs = clock.nowMs();
  return (name) => {
    const said = disabled.filter(({ pattern }) => globMatcher(pattern)(name));
    const source = (said.find(({ by }) => by === "env") ?? said[0])?.by;
    return source && { source, by: source, reason: "", sinceMs, untilMs: undefined, now: false };
  };
}
