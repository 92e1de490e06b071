// What `list` and `check` look at, and how they write it for scripts.

import { systemClock } from "../clock.ts";
import type { ResolvedConfig } from "../config/resolved-config.ts";
import { matchesAny } from "../control/handler-names.ts";
import { formatPlace, RuntimeError } from "../errors.ts";
import type { RuntimeEvent } from "../events.ts";
import type { GlobalOptions } from "./global-options.ts";
import { loadProject } from "./global-options.ts";
import { printError, printLine, type Terminal } from "./terminal.ts";

type Inspected = Awaited<ReturnType<typeof import("../offline.ts").inspectProject>>;
export type InspectedHandler = Inspected["handlers"][number] & {
  /** Who turns it off before any operator does; undefined: nobody. */
  readonly disabledBy: "env" | "config" | "metadata" | undefined;
};
export interface Inspection extends Inspected {
  readonly handlers: readonly InspectedHandler[];
}

/** Every handler of the project, evaluated but not served. What they print while evaluated goes to stderr. */
export async function inspect(terminal: Terminal, options: GlobalOptions): Promise<Inspection> {
  const config = await loadProject(terminal, options, "dev");
  const { inspectProject } = await import("../offline.ts");
  return withDisabled(await inspectProject(inspectOptions(terminal, config)), config);
}

/** What evaluating handlers takes. */
export function inspectOptions(terminal: Terminal, config: ResolvedConfig) {
  const emit = (event: RuntimeEvent) => tell(event, terminal);
  return { config, environment: terminal.env, clock: systemClock, emit };
}

export function withDisabled(inspected: Inspected, config: ResolvedConfig): Inspection {
  const handlers = inspected.handlers.map((handler) => ({ ...handler, disabledBy: disabledBy(handler, config) }));
  return { ...inspected, handlers };
}

function disabledBy(
  handler: Inspected["handlers"][number],
  { disabled }: ResolvedConfig,
): InspectedHandler["disabledBy"] {
  const saying = disabled.filter(({ pattern }) => matchesAny([pattern])(handler.name)).map(({ by }) => by);
  const [said] = saying.sort((a, b) => (a === b ? 0 : a === "env" ? -1 : 1));
  return said ?? (handler.ok && handler.metadata.disabled ? "metadata" : undefined);
}

/** Behind the last column of a handler's row. */
export function disabledRemark({ disabledBy: by }: InspectedHandler): string {
  return by === undefined ? "" : ` · disabled by ${by}`;
}

function tell(event: RuntimeEvent, terminal: Terminal): void {
  if (event.type === "handler.output") printLine(terminal.err, terminal.err.paint("dim", event.line));
  if (event.type === "runtime.notice" && event.level === "error") {
    printError(terminal, new RuntimeError("INTERNAL", event.message));
  }
}

/** For `--json`: stable names, plain values. */
export function inspectionJson({ handlers, problems }: Inspection): string {
  const failed = problems.length > 0 || handlers.some(({ ok }) => !ok);
  return JSON.stringify(
    { ok: !failed, handlers: handlers.map(handlerJson), problems: problems.map(errorJson) },
    null,
    2,
  );
}

function handlerJson(handler: InspectedHandler): object {
  const { name, file, ok, disabledBy } = handler;
  if (!handler.ok) return { name, file, ok, disabledBy, error: errorJson(handler.error) };
  const { version, sizeBytes } = handler.bundle;
  return { name, file, ok, ...handler.metadata, disabledBy, version, sizeBytes };
}

function errorJson({ code, message, handler, place, frame, remedy }: RuntimeError): object {
  return { code, message, handler, place: place === undefined ? undefined : formatPlace(place), frame, remedy };
}
