// How loud each event is. The live log and the JSON log agree on it.

import { assertNever } from "../errors.ts";
import type { LogLevel, RuntimeEvent } from "../events.ts";

const ORDER: readonly LogLevel[] = ["trace", "debug", "info", "warn", "error", "fatal"];

/** Whether something of this level is told when `threshold` is the least level wanted. */
export function isTold(level: LogLevel, threshold: LogLevel): boolean {
  return ORDER.indexOf(level) >= ORDER.indexOf(threshold);
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
