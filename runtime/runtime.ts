// Wires the parts together, and nothing else: what each does stands in its own folder.

import { createBinder, queueGroupOf } from "./bind/binder.ts";
import { connect, type NatsConnection } from "./bind/connection.ts";
import { ConnectionState } from "./bind/connection-state.ts";
import { despiteLosses } from "./bind/despite-losses.ts";
import { type EmbeddedServer, startEmbeddedServer } from "./bind/embedded-server.ts";
import { ensureKeptStreams } from "./bind/kept-streams.ts";
import { Publisher } from "./bind/publisher.ts";
import { ensureStreams } from "./bind/streams.ts";
import { tellUnclaimed } from "./bind/unclaimed.ts";
import type { Prebuilt } from "./build/prebuilt.ts";
import { type Clock, within } from "./clock.ts";
import type { ResolvedConfig } from "./config/resolved-config.ts";
import { Backlog } from "./control/backlog.ts";
import { ControlPlane } from "./control/control-plane.ts";
import type { LogLine } from "./control/control-protocol.ts";
import type { Call } from "./deliver/handler-call.ts";
import type { FileWatch } from "./discover/watch.ts";
import { RuntimeError, toRuntimeError } from "./errors.ts";
import type { Emit, RuntimeEvent } from "./events.ts";
import { type Reaper, startReaper } from "./isolate/reaper.ts";
import { globMatcher } from "./metadata/name-filter.ts";
import { watchNats } from "./observe/health-nats.ts";
import { startEndpoints } from "./observe/http-endpoints.ts";
import { recordOf } from "./observe/log.ts";
import { levelOf } from "./observe/log-level.ts";
import { emptySource } from "./observe/metrics-source.ts";
import { redacted } from "./observe/redact.ts";
import { ServiceProtocol } from "./observe/service-protocol.ts";
import { readAppVersion } from "./observe/service-protocol-version.ts";
import { createGate } from "./supervise/gate.ts";
import type { HandlerStatus } from "./supervise/handler-status.ts";
import type { Disabled } from "./supervise/intent.ts";
import { Supervisor } from "./supervise/supervisor.ts";
import { startTracing } from "./trace/tracing.ts";
import { createWorkshop, wantedBy } from "./workshop.ts";

export interface RuntimeOptions {
  readonly config: ResolvedConfig;
  /** `dev` brings its own nats-server when none is configured, and follows the files. */
  readonly mode: "dev" | "start";
  readonly clock: Clock;
  readonly emit: Emit;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Told how a nats-server is got, when that takes a while. */
  readonly onProgress: (line: string) => void;
  /** Handlers to debug, with the port of their inspector. */
  readonly inspect?: ReadonlyMap<string, number>;
  /** Port of the embedded server; taken when free. */
  readonly natsPort?: number;
  /**
   * Make and change the declared streams, and make those that durable handlers lack. `dev` always does; `start` then also
   * makes at once those for dead letters and the like, which are else made when first needed.
   */
  readonly provision?: boolean;
  /** Serve this instead of the sources; not in `dev`. */
  readonly build?: Prebuilt | undefined;
}

export interface Runtime {
  readonly natsUrl: string;
  readonly connection: NatsConnection;
  status(): HandlerStatus[];
  /** Build and bring up a handler again; undefined when there is none of that name. */
  reload(name: string): Promise<void> | undefined;
  /** Drain, then end everything that was started. Resolves with what did not end in time. A second call joins the first. */
  close(graceMs?: number): Promise<readonly string[]>;
}

const CANDIDATES_AT_ONCE = 4;
const CLOSE_NATS_MS = 2_000;
/** How long a start waits for a connection that was lost on the way: as long as for the first one. */
const BACK_WITHIN_MS = 10_000;
/** For dead letters and other settlements that the server has to confirm. */
const SETTLE_MS = 5_000;
const DEFAULT_NATS_PORT = 4222;

/** Start everything. Resolves when every handler serves or has failed; rejects with a RuntimeError when nothing can run. */
export async function startRuntime(given: RuntimeOptions): Promise<Runtime> {
  let control: ControlPlane | undefined;
  const tell: Emit = (told) => {
    const event = redacted(told);
    given.emit(event);
    control?.log(logLine(event, given.clock));
  };
  const options = { ...given, emit: tell };
  const { config, mode, clock, emit, environment, inspect = new Map<string, number>() } = options;
  const provision = mode === "dev" || given.provision === true;
  const startedAtMs = clock.monotonicMs();
  const instance = newInstanceId();
  // What was started, to be closed in the opposite order: in the end, or when something after it cannot start.
  const closers: (() => unknown)[] = [];
  const undo = async () => {
    for (const close of closers.reverse()) await close();
  };
  // Handlers that are bound already would go on looking for their consumers, and keep the process alive.
  let abandon: () => Promise<unknown> = async () => undefined;
  const observed = emptySource(config.app, instance, await readAppVersion(config.rootDir));
  try {
    const tracing = await startTracing({ clock, emit });
    closers.push(() => tracing?.close());
    const endpoints = await startEndpoints({ source: observed, ...config.http, clock, emit });
    closers.push(() => endpoints?.close());
    const reaper = startReaper({ emit });
    closers.push(() => reaper.close());
    const server = await serverFor(options, reaper);
    closers.push(() => server?.close());
    const servers = server === undefined ? config.nats.servers! : [server.url];
    const connection = await connect({
      settings: { ...config.nats, servers },
      name: `${config.app}/${instance}`,
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
      queueGroup: (handler) => queueGroupOf(config.app, handler),
      startedAtMs: clock.nowMs(),
      emit,
    });
    closers.push(() => service.close());
    const { close: closeWorkshop, discover, ...workshop } = await createWorkshop(options, reaper, config.warmWorkers);
    closers.push(closeWorkshop);
    const publisher = new Publisher(connection, clock);
    const call: Call = (made) => publisher.call(made);
    await surely(() => ensureStreams({ connection, streams: config.streams, provision, emit }));
    if (given.provision === true) await surely(() => ensureKeptStreams(connection, config.app));
    const binder = createBinder({
      connection,
      app: config.app,
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
    const supervisor: Supervisor = new Supervisor({
      discover,
      wanted: wantedBy(config),
      disabledFromStart: disabledBy(config, clock),
      eagerWorkers: config.eagerWorkers,
      clock,
      emit,
      onInputs: (paths) => watch?.follow(paths),
      services: {
        rootDir: config.rootDir,
        defaults: config.defaults,
        startTimeoutMs: config.startTimeoutMs,
        killGraceMs: config.killGraceMs,
        maxHops: config.maxHops,
        environment,
        ...workshop,
        binder,
        call: tracing?.around(call) ?? call,
        spans: tracing?.runs,
        gate: createGate(CANDIDATES_AT_ONCE),
        inspectPort: (handler) => inspect.get(handler),
        clock,
        emit,
      },
    });
    abandon = async () => {
      await watch?.close();
      await supervisor.close(0);
    };
    const operators = new ControlPlane({ connection, app: config.app, instance, supervisor, clock, emit });
    control = operators;
    closers.push(() => operators.close());
    observed.handlers = () => supervisor.readings();
    const backlog = new Backlog(connection, config.app);
    observed.pending = (handlers) => backlog.ofAll(handlers);
    await surely(() => operators.loadIntents());
    if (mode === "dev") {
      watch = await watchHandlers(config, supervisor, options);
      await watch.ready;
    }
    await supervisor.start();
    await surely(() => operators.listen());
    await surely(() => service.listen());
    observed.phase = "running";
    emit(readyEvent(supervisor.status(), clock.monotonicMs() - startedAtMs));
    const taken = supervisor.status().map(({ subject }) => subject);
    void tellUnclaimed({ connection, streams: binder.ownStreams, taken, emit });

    let closing: Promise<readonly string[]> | undefined;
    const close = async (graceMs: number) => {
      observed.phase = "draining";
      emit({ type: "runtime.draining", graceMs });
      operators.close();
      await watch?.close();
      const unfinished = await supervisor.close(graceMs);
      await undo();
      given.emit({ type: "runtime.stopped", unfinished });
      return unfinished;
    };
    return {
      natsUrl: servers.join(","),
      connection,
      status: () => supervisor.status(),
      reload: (name) => supervisor.reload(name),
      close: (graceMs = config.drainGraceMs) => {
        closing ??= close(graceMs);
        return closing;
      },
    };
  } catch (error) {
    await abandon();
    await undo();
    throw error;
  }
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

function readyEvent(status: readonly HandlerStatus[], durationMs: number): RuntimeEvent {
  const states = status.map(({ state }) => state);
  const serving = states.filter((state) => state === "serving" || state === "idle").length;
  const off = states.filter((state) => state === "disabled").length;
  return { type: "runtime.ready", serving, failed: states.length - serving - off, durationMs };
}

function logLine(event: RuntimeEvent, clock: Clock): Omit<LogLine, "replica"> {
  const { msg, event: type, handler, ...fields } = recordOf(event);
  const named = typeof handler === "string" ? { handler } : {};
  return { timeMs: clock.nowMs(), level: levelOf(event), text: msg, ...named, fields: { event: type, ...fields } };
}

async function serverFor(options: RuntimeOptions, reaper: Reaper): Promise<EmbeddedServer | undefined> {
  const { config, mode, clock, emit, onProgress, natsPort = DEFAULT_NATS_PORT } = options;
  if (config.nats.servers !== undefined) return undefined;
  if (mode === "dev")
    return startEmbeddedServer({ stateDir: config.stateDir, port: natsPort, reaper, clock, emit, onProgress });
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

/** Short, and different for every start: part of the ids of core messages. */
function newInstanceId(): string {
  return crypto.randomUUID().slice(0, 8);
}
