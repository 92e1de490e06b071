// The log of `start`: each event as one JSON line, for machines.

import { type DestinationStream, pino } from "pino";
import { assertNever, formatPlace, type RuntimeError } from "../errors.ts";
import type { Emit, RuntimeEvent } from "../events.ts";
import { handlerOf, isTold, levelOf, type Threshold } from "./log-level.ts";

export interface JsonLogOptions {
  readonly level: Threshold;
  /** Stands in every line. */
  readonly app: string;
  /** Standard output unless given. Lines are written at once, so that a crash loses none. */
  readonly destination?: DestinationStream;
}

export function createJsonLog({ level, app, destination }: JsonLogOptions): Emit {
  const options = {
    level: "trace",
    base: { app },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  const log = pino(options, destination ?? pino.destination({ dest: 1, sync: true }));
  return (event) => {
    const loudness = levelOf(event);
    if (!isTold(loudness, level(handlerOf(event)))) return;
    const { msg, ...fields } = recordOf(event);
    log[loudness](fields, msg);
  };
}

export interface LogRecord extends Readonly<Record<string, unknown>> {
  readonly msg: string;
  readonly event: RuntimeEvent["type"];
}

/** The fields of one line, beside those the logger adds. Pure. */
export function recordOf(told: RuntimeEvent): LogRecord {
  const { type: event, ...given } = told;
  switch (told.type) {
    case "runtime.ready":
      return { event, msg: `ready: ${told.serving} serving, ${told.failed} failed`, ...given };
    case "runtime.draining":
      return { event, msg: "draining", ...given };
    case "runtime.stopped":
      return { event, msg: told.unfinished.length === 0 ? "stopped" : "stopped before everything had ended", ...given };
    case "runtime.notice":
      return { event, msg: told.message };
    case "nats.connected":
      return { event, msg: `connected to NATS at ${told.server}`, ...given };
    case "nats.disconnected":
      return { event, msg: `lost NATS at ${told.server}`, ...given };
    case "nats.reconnected":
      return { event, msg: `NATS is back at ${told.server}`, ...given };
    case "nats.error":
      return { event, ...errorFields(told.error) };
    case "handler.discovered":
      return { event, msg: `found ${told.file}`, ...given };
    case "handler.removed":
      return { event, msg: "removed", ...given };
    case "handler.state":
      return { event, msg: `${told.from} -> ${told.to}`, ...given };
    case "handler.serving":
      return { event, msg: `serving ${told.subject}`, ...given };
    case "handler.failed":
      return { event, ...errorFields(told.error), handler: told.handler, serving: told.serving };
    case "handler.quarantined":
      return { event, ...errorFields(told.error), handler: told.handler, coolDownMs: told.coolDownMs };
    case "handler.disabled":
      return { event, msg: `disabled by ${told.by}`, ...given };
    case "handler.enabled":
      return { event, msg: "enabled", ...given };
    case "handler.bound":
      return { event, msg: `bound to ${told.subject}`, ...given };
    case "handler.unbound":
      return { event, msg: `unbound from ${told.subject}`, ...given };
    case "generation.retired":
      return { event, msg: told.drained ? "version ended" : "version was killed", ...given };
    case "delivery.failed":
      return deliveryRecord(told);
    case "delivery.dropped":
      return { event, msg: `dropped ${told.count}: ${told.why}`, ...given };
    case "worker.exited":
      return workerRecord(told);
    case "handler.log":
      return handlerRecord(told);
    case "handler.output":
      return { event, msg: told.line, handler: told.handler, version: told.version, stream: told.stream };
    default:
      return assertNever(told);
  }
}

function deliveryRecord(failed: Extract<RuntimeEvent, { type: "delivery.failed" }>): LogRecord {
  const { type: event, error, id: messageId, ...given } = failed;
  return { event, ...errorFields(error), ...given, messageId };
}

function workerRecord(exited: Extract<RuntimeEvent, { type: "worker.exited" }>): LogRecord {
  const { type: event, error, expected: _, ...given } = exited;
  return { event, ...(error === undefined ? { msg: "worker ended" } : errorFields(error)), ...given };
}

const TAKEN = new Set([
  ...["level", "time", "app", "event", "msg", "handler", "version", "messageId", "attempt", "traceId", "fields"],
]);

/** The author's fields stand beside ours; those whose names are taken, under `fields`. */
function handlerRecord(line: Extract<RuntimeEvent, { type: "handler.log" }>): LogRecord {
  const { type: event, message: msg, handler, version, messageId, attempt, traceId, fields = {} } = line;
  const [taken, free] = [true, false].map((wanted) => {
    return Object.fromEntries(Object.entries(fields).filter(([name]) => TAKEN.has(name) === wanted));
  });
  const nested = Object.keys(taken!).length === 0 ? {} : { fields: taken };
  return { ...free, event, msg, handler, version, messageId, attempt, traceId, ...nested };
}

function errorFields(error: RuntimeError) {
  const { code, message: msg, handler, place, frame, remedy, stack } = error;
  return { msg, code, handler, place: place === undefined ? undefined : formatPlace(place), frame, remedy, stack };
}
