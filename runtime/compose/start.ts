// Starts the runtime and ends it. What takes messages is wired in serve.ts: it takes long to load, and meanwhile the
// workers, which are started here, come up by themselves.

import type { Clock } from "../clock.ts";
import type { LogLine } from "../control/control-protocol.ts";
import type { Emit, RuntimeEvent } from "../events.ts";
import { startReaper } from "../isolate/reaper.ts";
import { levelOf, recordOf } from "../observe/event-rows.ts";
import { startEndpoints } from "../observe/http-endpoints.ts";
import { emptySource } from "../observe/metrics-source.ts";
import { redacted } from "../observe/redact.ts";
import { readAppVersion } from "../observe/service-protocol-version.ts";
import type { HandlerStatus } from "../supervise/handler-status.ts";
import { startTracing } from "../trace/tracing.ts";
import type { Runtime, RuntimeOptions } from "./runtime-options.ts";
import { createTools, workersAtStart } from "./tools.ts";

const CANDIDATES_AT_ONCE = 4;

/** Start everything. Resolves when every handler serves or has failed; rejects with a RuntimeError when nothing can run. */
export async function startRuntime(given: RuntimeOptions): Promise<Runtime> {
  let remember: ((line: Omit<LogLine, "replica">) => void) | undefined;
  const emit: Emit = (told) => {
    const event = redacted(told);
    given.emit(event);
    remember?.(logLine(event, given.clock));
  };
  const options = { ...given, emit };
  const { config, clock } = options;
  const startedAtMs = clock.monotonicMs();
  const instance = newInstanceId();
  // What was started, to be closed in the opposite order: in the end, or when something after it cannot start.
  const closers: (() => unknown)[] = [];
  const undo = async () => {
    for (const close of closers.reverse()) await close();
  };
  const observed = emptySource(config.app, instance, await readAppVersion(config.rootDir));
  try {
    const reaper = startReaper({ emit });
    closers.push(() => reaper.close());
    const tools = await createTools(options, reaper, workersAtStart(options, CANDIDATES_AT_ONCE));
    closers.push(() => tools.close());
    const tracing = await startTracing({ clock, emit });
    closers.push(() => tracing?.close());
    const endpoints = await startEndpoints({ source: observed, ...config.http, clock, emit });
    closers.push(() => endpoints?.close());
    const { serveOnNats } = await import("./serve.ts");
    const serving = await serveOnNats({
      options,
      instance,
      candidatesAtOnce: CANDIDATES_AT_ONCE,
      observed,
      reaper,
      tools,
      tracing,
      closers,
      onControl(control) {
        remember = (line) => control.log(line);
      },
    });
    observed.phase = "running";
    emit(readyEvent(serving.status(), clock.monotonicMs() - startedAtMs));
    tools.pool.keepWarm(config.warmWorkers);
    endpoints?.measure();
    serving.tellUnclaimed();

    let closing: Promise<readonly string[]> | undefined;
    const close = async (graceMs: number) => {
      observed.phase = "draining";
      emit({ type: "runtime.draining", graceMs });
      const unfinished = await serving.drain(graceMs);
      await undo();
      given.emit({ type: "runtime.stopped", unfinished });
      return unfinished;
    };
    const { natsUrl, connection, status, reload } = serving;
    return {
      natsUrl,
      connection,
      status,
      reload,
      close: (graceMs = config.drainGraceMs) => {
        closing ??= close(graceMs);
        return closing;
      },
    };
  } catch (error) {
    await undo();
    throw error;
  }
}

/** Load what a start loads on its way, and start nothing. */
export async function loadRuntime(): Promise<void> {
  await Promise.all([import("./serve.ts"), import("../observe/http.ts"), import("../observe/metrics.ts")]);
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

/** Short, and different for every start: part of the ids of core messages. */
function newInstanceId(): string {
  return crypto.randomUUID().slice(0, 8);
}
