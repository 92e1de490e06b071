// What a handler says of itself, with what it takes and publishes as JSON Schemas: made when somebody asks, in a worker of its own that only loads it. So
// nobody pays for it but who wants to know.

import type { HandlerFile } from "../discover/handler-file.ts";
import type { Contract } from "../metadata/contract.ts";
import type { ResolvedMetadata } from "../metadata/handler-metadata.ts";
import { loadCandidate } from "./candidate.ts";
import { candidateOptions } from "./prepare.ts";
import type { SlotDeps } from "./slot-deps.ts";

export interface SelfDescription {
  readonly contract: Contract;
  /** With the defaults of what it does not state. */
  readonly metadata: Omit<ResolvedMetadata, "contract">;
}

/** Rejects with a RuntimeError when the handler does not build or load. */
export async function selfDescriptionOf(file: HandlerFile, deps: SlotDeps): Promise<SelfDescription> {
  const built = await deps.bundler.build(file);
  if (!built.ok) throw built.error;
  const { signal } = new AbortController();
  const candidate = candidateOptions({ deps, file, bundle: built.bundle, current: undefined, signal });
  try {
    const loaded = await loadCandidate({ ...candidate, describe: true });
    loaded.worker.terminate();
    await loaded.worker.exited;
    const { contract = { publishes: [] }, ...metadata } = loaded.metadata;
    return { contract, metadata };
  } finally {
    await deps.bundler.retire(built.bundle);
  }
}
