// What `list` and `check` look at, and how they write it for scripts.

import { systemClock } from "../clock.ts";
import { formatPlace, RuntimeError } from "../errors.ts";
import type { RuntimeEvent } from "../events.ts";
import type { GlobalOptions } from "./global-options.ts";
import { loadProject } from "./global-options.ts";
import { printError, printLine, type Terminal } from "./terminal.ts";

export type Inspection = Awaited<ReturnType<typeof import("../runtime.ts").inspectProject>>;
export type InspectedHandler = Inspection["handlers"][number];

/** Every handler of the project, evaluated but not served. What they print while evaluated goes to stderr. */
export async function inspect(terminal: Terminal, options: GlobalOptions): Promise<Inspection> {
  const config = await loadProject(terminal, options, "dev");
  const { inspectProject } = await import("../runtime.ts");
  const emit = (event: RuntimeEvent) => tell(event, terminal);
  return inspectProject({ config, environment: terminal.env, clock: systemClock, emit });
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
  const { name, file, ok } = handler;
  if (!handler.ok) return { name, file, ok, error: errorJson(handler.error) };
  const { version, sizeBytes } = handler.bundle;
  return { name, file, ok, ...handler.metadata, version, sizeBytes };
}

function errorJson({ code, message, handler, place, frame, remedy }: RuntimeError): object {
  return { code, message, handler, place: place === undefined ? undefined : formatPlace(place), frame, remedy };
}
