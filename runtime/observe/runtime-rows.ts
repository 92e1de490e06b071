// Rows of the events that concern the whole runtime, and its connection to NATS.

import { errorFields } from "./error-fields.ts";
import type { EventOf, EventRows } from "./event-row.ts";
import { errorLines, handlers, INDENT, type LiveView, levelTag, seconds } from "./live-text.ts";

export const RUNTIME_ROWS: EventRows<
  | "runtime.ready"
  | "runtime.draining"
  | "runtime.stopped"
  | "runtime.notice"
  | "nats.connected"
  | "nats.disconnected"
  | "nats.reconnected"
  | "nats.error"
> = {
  "runtime.ready": {
    level: "info",
    message: ({ serving, failed }) => `ready: ${serving} serving, ${failed} failed`,
    text: ready,
  },
  "runtime.draining": {
    level: "info",
    message: () => "draining",
    text: ({ graceMs }, { paint }) => paint("dim", `draining, at most ${seconds(graceMs)} · Ctrl-C again to end now`),
  },
  "runtime.stopped": {
    level: ({ unfinished }) => (unfinished.length === 0 ? "info" : "error"),
    message: ({ unfinished }) => (unfinished.length === 0 ? "stopped" : "stopped before everything had ended"),
    text: stopped,
  },
  "runtime.notice": {
    level: ({ level }) => level,
    message: ({ message }) => message,
    fields: () => ({}),
    text: ({ level, message }, { paint }) => `${levelTag(level, paint)}${message}`,
  },
  "nats.connected": {
    level: "info",
    message: ({ server }) => `connected to NATS at ${server}`,
    text: connected,
  },
  "nats.disconnected": {
    level: "warn",
    message: ({ server }) => `lost NATS at ${server}`,
    text: ({ server }, { paint }) => `${paint("yellow", "!")} NATS at ${server} is gone; trying to reconnect`,
  },
  "nats.reconnected": {
    level: "info",
    message: ({ server }) => `NATS is back at ${server}`,
    text: ({ server, afterMs }, { paint }) =>
      `${paint("green", "✓")} NATS is back at ${server} after ${seconds(afterMs)}`,
  },
  "nats.error": {
    level: "error",
    message: ({ error }) => error.message,
    fields: ({ error }) => errorFields(error),
    text: ({ error }, view) => errorLines({ handler: "", error, view }),
  },
};

function ready({ serving, failed, durationMs }: EventOf<"runtime.ready">, { paint }: LiveView): string {
  const trouble = failed === 0 ? "" : `, ${paint("red", `${failed} failed`)}`;
  const told = serving + failed === 0 ? "no handlers yet" : `${handlers(serving)} serving${trouble}`;
  return `${paint("bold", told)} ${paint("dim", `· ready in ${Math.round(durationMs)} ms · Ctrl-C to stop`)}`;
}

function stopped({ unfinished }: EventOf<"runtime.stopped">, { paint }: LiveView): string {
  if (unfinished.length === 0) return paint("dim", "stopped");
  return [`${paint("red", "stopped")} before these had ended:`, ...unfinished.map((line) => INDENT + line)].join("\n");
}

function connected({ server, version, jetstream }: EventOf<"nats.connected">, { paint }: LiveView): string {
  const url = server.includes("://") ? server : `nats://${server}`;
  const details = `nats-server ${version}${jetstream ? ", JetStream" : ", no JetStream"}`;
  return `${paint("bold", url)} ${paint("dim", `· ${details}`)}`;
}
