// What `list` and `check` look at, and how they write it for scripts.

import { systemClock } from "../clock.ts";
import type { ResolvedConfig } from "../config/resolved-config.ts";
import { matchesAny } from "../control/handler-names.ts";
import { formatPlace, RuntimeError } from "../errors.ts";
import type { RuntimeEvent } from "../events.ts";
import { claimsText } from "../metadata/claims.ts";
import { capturedRequests } from "../streams/captured-requests.ts";
import { printError, printLine, type Terminal } from "../terminal/terminal.ts";
import type { GlobalOptions } from "./global-options.ts";
import { loadProject } from "./global-options.ts";
import { packageVersion } from "./package-version.ts";

type Checked = Awaited<ReturnType<typeof import("../compose/list-project.ts").listProject>>;
export type CheckedHandler = Checked["handlers"][number] & {
  /** Who turns it off before any operator does; undefined: nobody. */
  readonly disabledBy: "env" | "config" | "metadata" | undefined;
};
export interface ProjectCheck extends Checked {
  readonly handlers: readonly CheckedHandler[];
}

/** How long what a handler's top level leaves behind is watched, where it is to be known whether it would stay up. */
export const SETTLE_MS = 1_000;

/** Every handler of the project, evaluated but not served. What they print while evaluated goes to stderr. */
export async function checkHere(terminal: Terminal, options: GlobalOptions): Promise<ProjectCheck> {
  const config = await loadProject(terminal, options, "dev");
  const { checkProject } = await import("../compose/check-and-build.ts");
  return asConfigured(await checkProject({ ...checkOptions(terminal, config), settleMs: SETTLE_MS }), config);
}

/** The same, but evaluated only where something has changed since it was the last time. */
export async function listHere(terminal: Terminal, config: ResolvedConfig): Promise<ProjectCheck> {
  const { listProject } = await import("../compose/list-project.ts");
  const runtimeVersion = packageVersion();
  return asConfigured(await listProject({ ...checkOptions(terminal, config), runtimeVersion }), config);
}

/** What evaluating handlers takes. */
export function checkOptions(terminal: Terminal, config: ResolvedConfig) {
  const emit = (event: RuntimeEvent) => tell(event, terminal);
  return { config, environment: terminal.env, clock: systemClock, emit };
}

/** With what the configuration says of the handlers. */
export function asConfigured(checked: Checked, config: ResolvedConfig): ProjectCheck {
  const handlers = checked.handlers.map((handler): CheckedHandler => {
    const by = disabledBy(handler, config);
    if (!handler.ok || handler.metadata.kind !== "request") return { ...handler, disabledBy: by };
    const captured = capturedRequests(handler.name, handler.metadata.subjects, config.streams);
    return { ...handler, disabledBy: by, warnings: handler.warnings.concat(captured ?? []) };
  });
  return { ...checked, handlers };
}

function disabledBy(handler: Checked["handlers"][number], { disabled }: ResolvedConfig): CheckedHandler["disabledBy"] {
  const saying = disabled.filter(({ pattern }) => matchesAny([pattern])(handler.name)).map(({ by }) => by);
  const [said] = saying.sort((a, b) => (a === b ? 0 : a === "env" ? -1 : 1));
  return said ?? (handler.ok && handler.metadata.disabled ? "metadata" : undefined);
}

/** Behind the last column of a handler's row. */
export function disabledRemark({ disabledBy: by }: CheckedHandler): string {
  return by === undefined ? "" : ` · disabled by ${by}`;
}

function tell(event: RuntimeEvent, terminal: Terminal): void {
  if (event.type === "handler.output") printLine(terminal.err, terminal.err.paint("dim", event.line));
  if (event.type === "runtime.notice" && event.level === "error") {
    printError(terminal, new RuntimeError("INTERNAL", event.message));
  }
}

/** For `--json`: stable names, plain values. */
export function checkJson({ handlers, problems }: ProjectCheck): string {
  const failed = problems.length > 0 || handlers.some(({ ok }) => !ok);
  return JSON.stringify(
    { ok: !failed, handlers: handlers.map(handlerJson), problems: problems.map(errorJson) },
    null,
    2,
  );
}

function handlerJson(handler: CheckedHandler): object {
  const { name, file, ok, disabledBy } = handler;
  const warnings = handler.warnings.map(errorJson);
  if (!handler.ok) return { name, file, ok, disabledBy, error: errorJson(handler.error), warnings };
  const { version, sizeBytes, metadata } = handler;
  const subject = claimsText(metadata.subjects);
  return { name, file, ok, subject, ...metadata, disabledBy, version, sizeBytes, warnings };
}

function errorJson({ code, message, handler, place, frame, remedy }: RuntimeError): object {
  return { code, message, handler, place: place === undefined ? undefined : formatPlace(place), frame, remedy };
}
