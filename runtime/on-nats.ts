// Wires what takes messages to the workers, over a connection to NATS: what each part does stands in its own folder.

import { createBinder, queueGroupOf } from "./bind/binder.ts";
import { connect, type NatsConnection } from "./bind/connection.ts";
import { ConnectionState } from "./bind/connection-state.ts";
import { despiteLosses } from "./bind/despite-losses.ts";
import type { EmbeddedServer } from "./bind/embedded-server.ts";
import { ensureKeptStreams } from "./bind/kept-streams.ts";
import { Publisher } from "./bind/publisher.ts";
import { ensureStreams } from "./bind/streams.ts";
import { tellUnclaimed } from "./bind/unclaimed.ts";
import { type Clock, within } from "./clock.ts";
import type { ResolvedConfig } from "./config/resolved-config.ts";
import { Backlog } from "./control/backlog.ts";
import { ControlPlane } from "./control/control-plane.ts";
import type { Call } from "./deliver/handler-call.ts";
import type { FileWatch } from "./discover/watch.ts";
import { RuntimeError, toRuntimeError } from "./errors.ts";
import type { Reaper } from "./isolate/reaper.ts";
import { globMatcher } from "./metadata/name-filter.ts";
import { watchNats } from "./observe/health-nats.ts";
import type { RuntimeSource } from "./observe/metrics-source.ts";
import { ServiceProtocol } from "./observe/service-protocol.ts";
import type { Runtime, RuntimeOptions } from "./runtime.ts";
import { createGate } from "./supervise/gate.ts";
import type { Disabled } from "./supervise/intent.ts";
import { Supervisor } from "./supervise/supervisor.ts";
import type { StartedTracing } from "./trace/tracing.ts";
import { type Workshop, wantedBy } from "./workshop.ts";

/** What is there before NATS is. */
export interface Ground {
  readonly options: RuntimeOptions;
  readonly instance: string;
  readonly candidatesAtOnce: number;
  readonly observed: RuntimeSource;
  readonly reaper: Reaper;
  readonly workshop: Workshop;
  readonly tracing: StartedTracing | undefined;
  /** What is started here is added to it, and closed by whoever called. */
  readonly closers: (() => unknown)[];
  /** From now on operators may ask for the log. */
  readonly onControl: (control: ControlPlane) => void;
}

export interface Serving extends Omit<Runtime, "close"> {
  /** Log what is stored and taken by no handler. Does not wait. */
  tellUnclaimed(): void;
  /** Resolves with what did not end within the grace. */
  drain(graceMs: number): Promise<readonly string[]>;
}

const CLOSE_NATS_MS = 2_000;
/** How long a start waits for a connection that was lost on the way: as long as for the first one. */
const BACK_WITHIN_MS = 10_000;
/** For dead letters and other settlements that the server has to confirm. */
const SETTLE_MS = 5_000;
const DEFAULT_NATS_PORT = 4222;

/** Resolves when every handler serves or has failed; rejects with a RuntimeError when nothing can run. */
export async function serveOnNats(ground: Ground): Promise<Serving> {
  const { options, instance, observed, reaper, workshop, tracing, closers } = ground;
  const { config, mode, clock, emit, environment, inspect = new Map<string, number>() } = options;
  const { app } = config;
  const provision = mode === "dev" || options.provision === true;
  const server = await serverFor(options, reaper);
  closers.push(() => server?.close());
  const servers = server === undefined ? config.nats.servers! : [server.url];
  const connection = await connect({
    settings: { ...config.nats, servers },
    name: `${app}/${instance}`,
    emit,
    clock,
  });
  closers.push(() => closeConnection(connection, clock));
  observed.nats = watchNats(connection, clock);
  const state = new ConnectionState(connection, clock);
  const surely = <T>(step: () => Promise<T>) => despiteLosses(state, BACK_WITHIN_MS, step);
  const service = new ServiceProtocol({
    connection,
    source: observed,
    queueGroup: (handler) => queueGroupOf(app, handler),
    startedAtMs: clock.nowMs(),
    emit,
  });
  closers.push(() => service.close());
  const publisher = new Publisher(connection, clock);
  const call: Call = (made) => publisher.call(made);
  const binder = createBinder({
    connection,
    app,
    instance,
    inboxPrefix: config.nats.inboxPrefix,
    streams: config.streams.map(({ name }) => name),
    provision,
    clock,
    emit,
    onLetterKept: (handler) => supervisor.deadLetterKept(handler),
  });
  closers.push(() => within(clock, SETTLE_MS, binder.settled()));
  let watch: FileWatch | undefined;
  const { discover, bundler, known, pool, inspector } = workshop;
  const supervisor: Supervisor = new Supervisor({
    discover,
    wanted: wantedBy(config),
    disabledFromStart: disabledBy(config, clock),
    eagerWorkers: config.eagerWorkers,
    clock,
    emit,
    onInputs: mode === "dev" ? (paths) => watch?.follow(paths) : undefined,
    services: {
      rootDir: config.rootDir,
      defaults: config.defaults,
      startTimeoutMs: config.startTimeoutMs,
      killGraceMs: config.killGraceMs,
      maxHops: config.maxHops,
      environment,
      bundler,
      known,
      pool,
      inspector,
      binder,
      call: tracing?.around(call) ?? call,
      spans: tracing?.runs,
      gate: createGate(ground.candidatesAtOnce),
      inspectPort: (handler) => inspect.get(handler),
      clock,
      emit,
    },
  });
  const operators = new ControlPlane({ connection, app, instance, supervisor, clock, emit });
  ground.onControl(operators);
  closers.push(() => operators.close());
  observed.handlers = () => supervisor.readings();
  const backlog = new Backlog(connection, app);
  observed.pending = (handlers) => backlog.ofAll(handlers);
  try {
    await Promise.all([
      surely(() => ensureStreams({ connection, streams: config.streams, provision, emit })),
      options.provision === true ? surely(() => ensureKeptStreams(connection, app)) : undefined,
      surely(() => operators.loadIntents()),
    ]);
    if (mode === "dev") {
      watch = await watchHandlers(config, supervisor, options);
      await watch.ready;
    }
    await supervisor.start();
    if (mode === "start") await workshop.rest();
    await surely(() => operators.listen());
    await surely(() => service.listen());
  } catch (error) {
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
      const taken = supervisor.status().map(({ subject }) => subject);
      void tellUnclaimed({ connection, streams: binder.ownStreams, taken, emit });
    },
    async drain(graceMs) {
      operators.close();
      await watch?.close();
      return supervisor.close(graceMs);
    },
  };
}

async function watchHandlers(
  config: ResolvedConfig,
  supervisor: Supervisor,
  { clock, emit }: RuntimeOptions,
): Promise<FileWatch> {
  const { watchFiles } = await import("./discover/watch.ts");
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
    const { startEmbeddedServer } = await import("./bind/embedded-server.ts");
    return startEmbeddedServer({ stateDir: config.stateDir, port: natsPort, reaper, clock, emit, onProgress });
  }
  throw new RuntimeError("NATS_NOT_CONFIGURED", "`start` needs to know where NATS is, and no server is configured", {
    remedy:
      "Set NATS_URL, `nats.servers` in handlers.config.ts or --server. `handlers dev` brings a server of its own.",
  });
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
