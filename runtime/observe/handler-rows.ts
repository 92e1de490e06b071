// Rows of the events in the life of a handler: found, serving, failed, off, held up, gone.

import { errorFields } from "./error-fields.ts";
import type { EventOf, EventRows } from "./event-row.ts";
import { dimLine, errorLines, handlers, INDENT, type LiveView, markedLine, name, seconds, short } from "./live-text.ts";

export const HANDLER_ROWS: EventRows<
  | "handler.discovered"
  | "handler.removed"
  | "handler.state"
  | "handler.serving"
  | "handler.failed"
  | "handler.warned"
  | "handler.quarantined"
  | "handler.disabled"
  | "handler.enabled"
  | "handler.rolled-back"
  | "handler.rollback-over"
  | "canary.began"
  | "canary.passed"
  | "canary.returned"
  | "version.kept"
  | "handler.held"
  | "handler.released"
  | "handler.bound"
  | "handler.unbound"
  | "schedule.met"
  | "schedule.passed-over"
  | "generation.retired"
> = {
  "handler.discovered": {
    level: "debug",
    message: ({ file }) => `found ${file}`,
    text: ({ handler, file }, view) => dimLine(handler, `found in ${file}`, view),
  },
  "handler.removed": {
    level: "info",
    message: () => "removed",
    text: ({ handler }, view) => markedLine("-", handler, "removed", view),
  },
  "handler.state": {
    level: "debug",
    message: ({ from, to }) => `${from} -> ${to}`,
    text: ({ handler, from, to }, view) => dimLine(handler, `${from} -> ${to}`, view),
  },
  "handler.serving": {
    // Idle handlers come and go with their messages.
    level: ({ why }) => (why === "wake" ? "debug" : "info"),
    message: ({ subject }) => `serving ${subject}`,
    text: serving,
  },
  "handler.failed": {
    level: "error",
    message: ({ error }) => error.message,
    fields: ({ error, handler, serving: still, others }) => ({
      ...errorFields(error),
      handler,
      serving: still,
      others,
    }),
    text: failed,
  },
  "handler.warned": {
    level: "warn",
    message: ({ warning }) => warning.message,
    fields: ({ warning, handler }) => ({ ...errorFields(warning), handler }),
    text: ({ handler, warning }, view) => errorLines({ handler, error: warning, view, mark: "!" }),
  },
  "handler.quarantined": {
    level: "error",
    message: ({ error }) => error.message,
    fields: ({ error, handler, coolDownMs }) => ({ ...errorFields(error), handler, coolDownMs }),
    text({ handler, error, coolDownMs }, view) {
      const rest = `quarantined: it is tried again at the next save, or in ${seconds(coolDownMs)}`;
      return errorLines({ handler, error, view, rest: view.paint("yellow", rest) });
    },
  },
  "handler.disabled": {
    level: "warn",
    message: ({ by }) => `disabled by ${by}`,
    text: ({ handler, by, reason }, view) =>
      markedLine("-", handler, `disabled by ${by}: ${reason || "no reason given"}`, view),
  },
  "handler.enabled": {
    level: "info",
    message: () => "enabled",
    text: ({ handler }, view) => markedLine("+", handler, "enabled", view),
  },
  "handler.rolled-back": {
    level: "warn",
    message: ({ version, from, by }) => `rolled back by ${by} from version ${from} to ${version}`,
    text: ({ handler, version, from, by, reason }, view) =>
      markedLine(
        "-",
        handler,
        `rolled back by ${by} from version ${short(from)} to ${short(version)}: ${reason || "no reason given"}`,
        view,
      ),
  },
  "handler.rollback-over": {
    level: "info",
    message: rollbackOver,
    text: (event, view) => markedLine("+", event.handler, rollbackOver(event), view),
  },
  "canary.began": {
    level: "info",
    message: canaryBegan,
    text: (event, view) => markedLine("+", event.handler, canaryBegan(event), view),
  },
  "canary.passed": {
    level: "info",
    message: canaryPassed,
    text: (event, view) => markedLine("+", event.handler, canaryPassed(event), view),
  },
  "canary.returned": {
    level: "warn",
    message: canaryReturned,
    text: (event, view) => markedLine("-", event.handler, canaryReturned(event), view),
  },
  "version.kept": {
    level: "debug",
    message: ({ version }) => `version ${version} is kept`,
    text: ({ handler, version }, view) => dimLine(handler, `version ${short(version)} is kept`, view),
  },
  "handler.held": {
    level: "warn",
    message: ({ text }) => `held up: ${text}`,
    text: ({ handler, text, remedy }, view) =>
      `${markedLine("!", handler, text, view)}\n${INDENT}${view.paint("dim", remedy)}`,
  },
  "handler.released": {
    level: "info",
    message: ({ reason }) => `no longer held up (${reason})`,
    text: ({ handler, reason, afterMs }, view) =>
      markedLine("✓", handler, `no longer held up (${reason}) after ${seconds(afterMs)}`, view),
  },
  "handler.bound": {
    level: "debug",
    message: ({ subject }) => `bound to ${subject}`,
    text: ({ handler, subject }, view) => dimLine(handler, `bound to ${subject}`, view),
  },
  "handler.unbound": {
    level: "debug",
    message: ({ subject }) => `unbound from ${subject}`,
    text: ({ handler, subject }, view) => dimLine(handler, `unbound from ${subject}`, view),
  },
  "schedule.met": {
    level: "debug",
    message: met,
    text: (event, view) => dimLine(event.handler, met(event), view),
  },
  "schedule.passed-over": {
    // Where runs are longer than the time between two it is so again and again.
    level: "info",
    message: passedOver,
    text: (event, view) => markedLine("!", event.handler, passedOver(event), view),
  },
  "generation.retired": {
    level: ({ drained }) => (drained ? "debug" : "warn"),
    message: ({ drained }) => (drained ? "version ended" : "version was killed"),
    text: ({ handler, version, drained }, view) =>
      dimLine(handler, `version ${short(version)} ${drained ? "ended" : "was killed"}`, view),
  },
};

const SUBJECT_WIDTH = 16;
const WHY: Readonly<Record<EventOf<"handler.serving">["why"], string>> = {
  start: "",
  reload: "reloaded in ",
  restart: "restarted in ",
  wake: "woke up in ",
};

function rollbackOver({ version, why }: EventOf<"handler.rollback-over">): string {
  const own = `version ${short(version)} serves`;
  return why === "taken-back" ? `no longer rolled back: ${own}` : `the rollback was of another version: ${own}`;
}

function canaryBegan({ version, before, percent }: EventOf<"canary.began">): string {
  return `version ${short(version)} takes ${percent} % of the messages, ${short(before)} the others`;
}

function canaryPassed({ version, before, figures }: EventOf<"canary.passed">): string {
  return `version ${short(version)} takes all messages from ${short(before)}: ${figures}`;
}

function canaryReturned({ version, before, reason }: EventOf<"canary.returned">): string {
  return `version ${short(version)} is taken back, and ${short(before)} takes all messages: ${reason}`;
}

function isoTime(atMs: number): string {
  return new Date(atMs).toISOString();
}

function met({ key, plannedMs }: EventOf<"schedule.met">): string {
  return `published for ${isoTime(plannedMs)}${ofKey(key)}`;
}

function ofKey(key: string | undefined): string {
  return key === undefined ? "" : ` by schedule ${JSON.stringify(key)}`;
}

function passedOver({ key, count }: EventOf<"schedule.passed-over">): string {
  const times = count === 1 ? "1 planned time is" : `${count} planned times are`;
  return `${times}${key === undefined ? "" : ` of schedule ${JSON.stringify(key)}`} passed over: nobody was there, or the run before took too long (\`missed\` of its schedule)`;
}

function serving(event: EventOf<"handler.serving">, view: LiveView): string {
  const { paint } = view;
  const duration = `${Math.round(event.durationMs)} ms`;
  const mark = paint("green", event.why === "start" ? "✓" : "↻");
  const what = `${event.kind.padEnd(7)}  ${event.subject.padEnd(SUBJECT_WIDTH)}`;
  return `${mark} ${name(event.handler, view)}  ${what}  ${paint("dim", `${WHY[event.why]}${duration}`)}`;
}

function failed({ handler, error, serving: still, others = [] }: EventOf<"handler.failed">, view: LiveView): string {
  const held = others.length === 0 ? [] : [view.paint("yellow", `it holds back ${handlers(others.length)} more`)];
  const rest = still === undefined ? [] : [view.paint("green", `version ${short(still)} goes on serving`)];
  return errorLines({ handler, error, view, rest: [...held, ...rest].join("\n") });
}
