// Rows of what happens while a handler runs: messages that fail or are dropped, workers that end, what is written to the log.

import type { LogLevel } from "../events.ts";
import type { Style } from "../terminal/paint.ts";
import { droppedOutput } from "./dropped-output.ts";
import { errorFields } from "./error-fields.ts";
import type { EventOf, EventRows, Fields } from "./event-row.ts";
import {
  bar,
  dimLine,
  errorLines,
  INDENT,
  LEVEL_STYLES,
  type LiveView,
  levelTag,
  markedLine,
  messages,
  name,
  seconds,
} from "./live-text.ts";
import { fieldsText } from "./log-fields.ts";

export const RUN_ROWS: EventRows<
  | "delivery.failed"
  | "delivery.cancelled"
  | "delivery.dropped"
  | "worker.exited"
  | "handler.log"
  | "handler.output"
  | "handler.output-dropped"
> = {
  "delivery.failed": {
    level: "error",
    message: ({ error }) => error.message,
    fields: ({ type: _, error, id: messageId, ...given }) => ({ ...errorFields(error), ...given, messageId }),
    text({ handler, error, attempt, settled }, view) {
      const which = attempt > 1 ? `attempt ${attempt}, ` : "";
      return errorLines({ handler, error, view, rest: view.paint("dim", `→ ${which}${settled}`) });
    },
  },
  "delivery.cancelled": {
    level: "warn",
    message: ({ id, by }) => `message ${id} is cancelled by ${by}`,
    fields: ({ type: _, id: messageId, ...given }) => ({ ...given, messageId }),
    text: ({ handler, id, by, ranMs }, view) =>
      markedLine("!", handler, `message ${id}, which runs since ${seconds(ranMs)}, is cancelled by ${by}`, view),
  },
  "delivery.dropped": {
    level: "warn",
    message: ({ count, why }) => `dropped ${count}: ${why}`,
    text: ({ handler, count, why }, view) => markedLine("!", handler, `dropped ${messages(count)}: ${why}`, view),
  },
  "worker.exited": {
    level: ({ expected }) => (expected ? "debug" : "error"),
    message: ({ error }) => error?.message ?? "worker ended",
    fields: ({ type: _, error, expected, ...given }) => ({ ...(error && errorFields(error)), ...given }),
    text: workerExited,
  },
  "handler.log": {
    level: ({ level }) => level,
    message: ({ message }) => message,
    fields: authorsFields,
    text({ handler, level, message, fields }, view) {
      const { paint } = view;
      const said = [message, fieldsText(fields, paint)].filter((part) => part !== "").join(" ");
      const style: Style = LEVEL_STYLES[level] ?? "cyan";
      return `  ${name(handler, view)} ${bar(style, paint)} ${levelTag(level, paint)}${said.replaceAll("\n", `\n${INDENT}`)}`;
    },
  },
  "handler.output": {
    level: ({ stream }): LogLevel => (stream === "stdout" ? "info" : "warn"),
    message: ({ line }) => line,
    fields: ({ handler, version, stream }) => ({ handler, version, stream }),
    text: ({ handler, stream, line }, view) =>
      `${INDENT.slice(2)}${name(handler, view)} ${bar(stream === "stderr" ? "yellow" : "dim", view.paint)} ${line}`,
  },
  "handler.output-dropped": {
    level: "warn",
    message: droppedOutput,
    text: (event, view) => `${view.paint("yellow", "!")} ${name(event.handler, view)}  ${droppedOutput(event)}`,
  },
};

function workerExited(event: EventOf<"worker.exited">, view: LiveView): string {
  const { handler, pid, error, inFlight, restartInMs } = event;
  const waiting = inFlight === 0 ? "" : `${messages(inFlight)} waiting; `;
  const next =
    restartInMs === undefined
      ? "not restarted"
      : restartInMs === 0
        ? "restarting now"
        : `restarting in ${seconds(restartInMs)}`;
  if (error === undefined) return dimLine(handler, `worker ${pid} ended; ${waiting}${next}`, view);
  return errorLines({ handler, error, view, rest: view.paint("dim", `→ ${waiting}${next}`) });
}

const TAKEN = new Set([
  ...["level", "time", "app", "event", "msg", "handler", "version", "messageId", "attempt", "traceId", "fields"],
]);

/** The author's fields stand beside ours; those whose names are taken, under `fields`. */
function authorsFields({ handler, version, messageId, attempt, traceId, fields = {} }: EventOf<"handler.log">): Fields {
  const [taken, free] = [true, false].map((wanted) => {
    return Object.fromEntries(Object.entries(fields).filter(([key]) => TAKEN.has(key) === wanted));
  });
  const nested = Object.keys(taken!).length === 0 ? {} : { fields: taken };
  return { ...free, handler, version, messageId, attempt, traceId, ...nested };
}
