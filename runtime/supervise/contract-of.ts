// What a handler takes and publishes, as JSON Schemas: made when somebody asks, in a worker of its own that only loads it. So
// nobody pays for it but who wants to know.

import type { HandlerFile } from "../discover/handler-file.ts";
import type { Contract } from "../metadata/contract.ts";
import { loadCandidate } from "./candidate.ts";
import { candidateOptions } from "./prepare.ts";
import type { SlotDeps } from "./slot-deps.ts";

/** Rejects with a RuntimeError when the handler does not build or load. */
export async function contractOf(file: HandlerFile, deps: SlotDeps): Promise<Contract> {
  const built = await deps.bundler.build(file);
  if (!built.ok) throw built.error;
  const { signal } = new AbortController();
  const candidate = candidateOptions({ deps, file, bundle: built.bundle, current: undefined, signal });
  try {
    const { worker, metadata } = await loadCandidate({ ...candidate, describe: true });
    worker.terminate();
    await worker.exited;
    return metadata.contract ?? { publishes: [] };
  } finally {
    await deps.bundler.retire(built.bundle);
  }
}
