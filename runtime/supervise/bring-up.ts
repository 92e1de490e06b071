// One try to bring up a handler's file as it is now: built, looked at or loaded, bound. How it ended is a value; what
// serves is not touched.

import type { Bundle } from "../bundle/bundle.ts";
import { pathsThatWouldMendRun } from "../bundle/missing.ts";
import { RuntimeError, toRuntimeError } from "../errors.ts";
import type { ResolvedMetadata } from "../metadata/handler-metadata.ts";
import type { Place } from "./concurrency-limit.ts";
import type { Generation } from "./generation.ts";
import { bindIdleGeneration, type PrepareOptions, prepareGeneration } from "./prepare.ts";
import { Superseded } from "./superseded.ts";

export interface BringUpOptions extends Omit<PrepareOptions, "bundle"> {
  /** Where it waits for its turn, if it needs a process. */
  readonly place: Place;
  /** The files that the version is made of, or that would mend it, are known. */
  readonly onInputs: (inputs: readonly string[]) => void;
  /** Whether there is nothing to do when the file builds to this. */
  readonly isServing: (bundle: Bundle) => boolean;
  /** D6: whether it is bound without a process, until its first message. */
  readonly waitsIdle: () => boolean;
}

export type BringUpEnd =
  | {
      readonly kind: "ready";
      readonly generation: Generation;
      readonly event: "brought-up" | "bound";
      /** It is the version before the one that is there: that one is to be brought up beside it. */
      readonly isBefore?: true;
    }
  /** It is the version that serves, or one that is tried beside it. */
  | { readonly kind: "unchanged"; readonly version: string }
  /** It came up, and is not to serve. */
  | { readonly kind: "not-wanted" }
  /** Newer code, or the operator, has made it pointless. */
  | { readonly kind: "superseded" }
  | { readonly kind: "failed"; readonly error: RuntimeError };

/** Never rejects. Unless it is ready, nothing is left of it. */
export async function bringUp(options: BringUpOptions): Promise<BringUpEnd> {
  try {
    return await buildAndPrepare(options);
  } catch (error) {
    if (error instanceof Superseded || options.signal.aborted) return { kind: "superseded" };
    return { kind: "failed", error: toRuntimeError(error, `handler "${options.file.name}" could not be brought up`) };
  }
}

async function buildAndPrepare(options: BringUpOptions): Promise<BringUpEnd> {
  const { deps, file, signal } = options;
  const built = await deps.bundler.build(file);
  options.onInputs(built.ok ? built.bundle.inputs : built.inputs);
  if (!built.ok) throw built.error;
  const { bundle } = built;
  if (signal.aborted || options.isServing(bundle)) {
    await deps.bundler.retire(bundle);
    return signal.aborted ? { kind: "superseded" } : { kind: "unchanged", version: bundle.version };
  }
  const before = await versionBefore(bundle, options);
  if (before !== undefined) {
    await deps.bundler.retire(bundle);
    return before;
  }
  try {
    return await prepare(bundle, options);
  } catch (error) {
    options.onInputs([...bundle.inputs, ...mendingPaths(error)]);
    await deps.bundler.retire(bundle);
    throw error;
  }
}

/** Where nothing serves: the version before, ready, if the one that is there is to be tried beside it. One that does not come up is passed over. */
async function versionBefore(bundle: Bundle, options: BringUpOptions): Promise<BringUpEnd | undefined> {
  const { deps, current, signal, file } = options;
  const before = current === undefined ? await deps.versions?.before(bundle) : undefined;
  if (before === undefined) return undefined;
  try {
    const end = await prepare(before, options);
    return end.kind === "ready" ? { ...end, isBefore: true } : end;
  } catch (error) {
    await deps.bundler.retire(before);
    if (error instanceof Superseded || signal.aborted) throw error;
    const { message } = toRuntimeError(error, "it failed");
    const what = `handler "${file.name}": version ${bundle.version} takes all messages at once, without a canary: the version before does not come up`;
    deps.emit({ type: "runtime.notice", level: "warn", message: `${what}: ${message}` });
    return undefined;
  }
}

/** What its packages, or itself, miss when they run. */
function mendingPaths(error: unknown): string[] {
  if (!(error instanceof RuntimeError)) return [];
  return pathsThatWouldMendRun(`${error.message}\n${error.stack ?? ""}`);
}

async function prepare(bundle: Bundle, options: BringUpOptions): Promise<BringUpEnd> {
  const { signal, place } = options;
  const preparation = { ...options, bundle };
  const idle = options.waitsIdle() ? await evaluate(bundle, options) : undefined;
  const generation = await (idle === undefined
    ? place.enter(() => prepareGeneration(preparation), signal)
    : bindIdleGeneration(idle, preparation));
  if (generation === undefined) return { kind: "not-wanted" };
  return { kind: "ready", generation, event: idle === undefined ? "brought-up" : "bound" };
}

/** What it exports, seen in a process shared with others; undefined when it wants a process of its own. */
async function evaluate(bundle: Bundle, { deps, file, place }: BringUpOptions): Promise<ResolvedMetadata | undefined> {
  place.leave();
  const { metadata } = await deps.evaluator.look(file, bundle);
  return metadata.minWorkers > 0 ? undefined : metadata;
}
