// Looks at every handler without serving it: discover, build, evaluate, validate. Needs no NATS.

import type { Bundle } from "../bundle/bundle.ts";
import type { Bundler } from "../bundle/bundler.ts";
import type { HandlerFile } from "../discover/handler-file.ts";
import type { ScanResult } from "../discover/scan.ts";
import { type RuntimeError, toRuntimeError } from "../errors.ts";
import type { ResolvedMetadata } from "../metadata/handler-metadata.ts";
import type { Inspector } from "./inspector.ts";
import { SubjectClaims } from "./subject-claims.ts";

export interface InspectOptions {
  /** Which handlers there are. */
  readonly discover: () => Promise<ScanResult>;
  readonly wanted: (name: string) => boolean;
  readonly bundler: Pick<Bundler, "build">;
  readonly inspector: Inspector;
}

export type InspectedHandler = { readonly name: string; readonly file: string } & (
  | { readonly ok: true; readonly metadata: ResolvedMetadata; readonly bundle: Bundle }
  | { readonly ok: false; readonly error: RuntimeError }
);

export interface Inspection {
  /** Sorted by name. */
  readonly handlers: readonly InspectedHandler[];
  /** What is wrong beside the handlers: files of one name, a missing folder. */
  readonly problems: readonly RuntimeError[];
}

export async function inspectHandlers(options: InspectOptions): Promise<Inspection> {
  const found = await options.discover();
  const files = found.files.filter(({ name }) => options.wanted(name));
  const claims = new SubjectClaims(() => undefined);
  const handlers = await Promise.all(files.map((file) => inspectOne(file, options, claims)));
  return { handlers, problems: [...found.problems, ...found.conflicts.map(({ error }) => error)] };
}

async function inspectOne(
  file: HandlerFile,
  { bundler, inspector }: InspectOptions,
  claims: SubjectClaims,
): Promise<InspectedHandler> {
  const about = { name: file.name, file: file.displayPath };
  const built = await bundler.build(file);
  if (!built.ok) return { ...about, ok: false, error: built.error };
  try {
    const metadata = await inspector.look(file, built.bundle);
    if (metadata.kind === "request") claims.claim(file.name, metadata.subject, file.displayPath);
    return { ...about, ok: true, metadata, bundle: built.bundle };
  } catch (error) {
    return { ...about, ok: false, error: toRuntimeError(error, `handler "${file.name}" could not be inspected`) };
  }
}
