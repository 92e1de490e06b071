// How loud each event is. The live log and the JSON log agree on it.

import { assertNever } from "../errors.ts";
import type { LogLevel, RuntimeEvent } from "../events.ts";
import { globMatcher } from "../metadata/name-filter.ts";

const ORDER: readonly LogLevel[] = ["trace", "debug", "info", "warn", "error", "fatal"];

/** Whether something of this level is told when `threshold` is the least level wanted. */
export function isTold(level: LogLevel, threshold: LogLevel): boolean {
  return ORDER.indexOf(level) >= ORDER.indexOf(threshold);
}

/** The least level wanted of what concerns the handler, or no handler in particular. */
export type Threshold = (handler: string | undefined) => LogLevel;

/** @param byHandler names or globs; of several that fit, the last holds */
export function thresholdOf(
  level: LogLevel,
  byHandler: readonly { readonly pattern: string; readonly level: LogLevel }[],
): Threshold {
  if (byHandler.length === 0) return () => level;
  const rules = byHandler.map((rule) => ({ fits: globMatcher(rule.pattern), level: rule.level }));
  return (handler) => (handler && rules.findLast(({ fits }) => fits(handler))?.level) || level;
}

export function handlerOf(event: RuntimeEvent): string | undefined {
  return "handler" in event ? event.handler : undefined;
}

export function levelOf(event: RuntimeEvent): LogLevel {
  switch (event.type) {
    case "runtime.notice":
    case "handler.log":
      return event.level;
    case "handler.discovered":
    case "handler.state":
    case "handler.bound":
    case "handler.unbound":
      return "debug";
    case "generation.retired":
      return event.drained ? "debug" : "warn";
    case "runtime.ready":
    case "runtime.draining":
    case "nats.connected":
    case "nats.reconnected":
    case "handler.removed":
    case "handler.enabled":
      return "info";
    case "handler.serving":
      // Idle handlers come and go with their messages.
      return event.why === "wake" ? "debug" : "info";
    case "handler.output":
      return event.stream === "stdout" ? "info" : "warn";
    case "runtime.stopped":
      return event.unfinished.length === 0 ? "info" : "error";
    case "worker.exited":
      return event.expected ? "debug" : "error";
    case "nats.disconnected":
    case "delivery.dropped":
    case "handler.disabled":
      return "warn";
    case "nats.error":
    case "handler.failed":
    case "handler.quarantined":
    case "delivery.failed":
      return "error";
    default:
      return assertNever(event);
  }
}
