// Looks at every handler without serving it: discover, build, evaluate, validate. Needs no NATS.

import type { BuildResult } from "../bundle/bundler.ts";
import type { HandlerFile } from "../discover/handler-file.ts";
import type { ScanResult } from "../discover/scan.ts";
import { type RuntimeError, toRuntimeError } from "../errors.ts";
import { claims } from "../metadata/claims.ts";
import type { ResolvedMetadata } from "../metadata/handler-metadata.ts";
import type { Evaluator, Found } from "./evaluator.ts";
import { SubjectClaims } from "./subject-claims.ts";

export interface CheckOptions {
  /** Which handlers there are. */
  readonly discover: () => Promise<ScanResult>;
  readonly wanted: (name: string) => boolean;
  /** Never rejects. */
  readonly inspect: (file: HandlerFile) => Promise<CheckedHandler>;
}

export interface InspectOptions {
  readonly bundler: { build(file: HandlerFile): Promise<BuildResult> };
  readonly evaluator: Evaluator;
  /** Told of each that is good. */
  readonly onGood?: (file: HandlerFile, built: BuildResult & { ok: true }, found: Found) => void;
}

interface Looked {
  readonly name: string;
  readonly file: string;
  /** Of its build, whatever came of it then. */
  readonly warnings: readonly RuntimeError[];
}

export type CheckedHandler = Looked &
  (
    | {
        readonly ok: true;
        readonly metadata: ResolvedMetadata;
        /** Of its bundle, as is its size. */
        readonly version: string;
        readonly sizeBytes: number;
      }
    | { readonly ok: false; readonly error: RuntimeError }
  );

export interface ProjectCheck {
  /** Sorted by name. */
  readonly handlers: readonly CheckedHandler[];
  /** What is wrong beside the handlers: files of one name, a missing folder. */
  readonly problems: readonly RuntimeError[];
}

export async function checkHandlers({ discover, wanted, inspect }: CheckOptions): Promise<ProjectCheck> {
  const found = await discover();
  const files = found.files.filter(({ name }) => wanted(name));
  const handlers = withoutConflicts(await Promise.all(files.map(inspect)));
  return { handlers, problems: [...found.problems, ...found.conflicts.map(({ error }) => error)] };
}

/** By name, so that it is always the same one that is refused. */
function withoutConflicts(handlers: readonly CheckedHandler[]): CheckedHandler[] {
  const held = new SubjectClaims({ isGivenUp: () => false, onFreed: () => {}, onTakenOver: () => {} });
  return handlers.map((handler) => {
    if (!handler.ok || handler.metadata.kind !== "request") return handler;
    const { name, file, warnings, metadata } = handler;
    try {
      held.claim(name, claims(metadata), file);
      return handler;
    } catch (error) {
      const told = toRuntimeError(error, `handler "${name}" could not be inspected`);
      return { name, file, warnings, ok: false, error: told };
    }
  });
}

/** Build it and look at it. Never rejects. */
export async function inspectHandler(
  file: HandlerFile,
  { bundler, evaluator, onGood }: InspectOptions,
): Promise<CheckedHandler> {
  const about = { name: file.name, file: file.displayPath };
  const built = await bundler.build(file);
  if (!built.ok) return { ...about, warnings: [], ok: false, error: built.error };
  const { bundle, warnings } = built;
  try {
    const found = await evaluator.look(file, bundle);
    onGood?.(file, built, found);
    const { version, sizeBytes } = bundle;
    return { ...about, warnings, ok: true, metadata: found.metadata, version, sizeBytes };
  } catch (error) {
    const told = toRuntimeError(error, `handler "${file.name}" could not be inspected`);
    return { ...about, warnings, ok: false, error: told };
  }
}
