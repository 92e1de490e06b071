// Runs a handler once, by hand, in a worker of its own: nothing of what is bound or serves is touched.

import { Dispatcher } from "../deliver/dispatcher.ts";
import { outcomeError } from "../deliver/outcome-error.ts";
import { Suspicions } from "../deliver/suspicions.ts";
import type { HandlerFile } from "../discover/handler-file.ts";
import type { RuntimeError } from "../errors.ts";
import type { Delivery } from "../message/delivery.ts";
import { encodeHeaders } from "../message/header-block.ts";
import { isFailure, type Outcome } from "../message/outcome.ts";
import { claimsText } from "../metadata/claims.ts";
import type { ResolvedMetadata } from "../metadata/handler-metadata.ts";
import { type CandidateOptions, loadCandidate, setUpCandidate } from "./candidate.ts";
import { candidateOptions } from "./prepare.ts";
import type { SlotDeps } from "./slot-deps.ts";

export interface Invoked {
  readonly outcome: Outcome;
  /** What a generator yielded. */
  readonly chunks: readonly Uint8Array[];
  /** What went wrong, for people; undefined when it returned, or has let the message pass. */
  readonly error: RuntimeError | undefined;
}

/** Rejects with a RuntimeError when the handler does not build or come up. */
export async function invokeOnce(
  file: HandlerFile,
  deps: SlotDeps,
  payload: Uint8Array,
  headers: readonly (readonly [string, string])[],
): Promise<Invoked> {
  const built = await deps.bundler.build(file);
  if (!built.ok) throw built.error;
  const { signal } = new AbortController();
  const candidate = candidateOptions({ deps, file, bundle: built.bundle, current: undefined, signal });
  try {
    const { worker, metadata } = await loadCandidate(candidate);
    try {
      const message = delivery(metadata, payload, headers);
      const { outcome, chunks } = await runOne(worker, metadata, candidate, deps, message);
      return { outcome, chunks, error: errorOf(outcome, file, deps, metadata) };
    } finally {
      await worker.stop(deps.killGraceMs, deps.clock);
    }
  } finally {
    await deps.bundler.retire(built.bundle);
  }
}

function runOne(
  worker: Awaited<ReturnType<typeof loadCandidate>>["worker"],
  metadata: ResolvedMetadata,
  candidate: CandidateOptions,
  deps: SlotDeps,
  message: Delivery,
): Promise<{ outcome: Outcome; chunks: Uint8Array[] }> {
  const { timeoutMs, kind, subjects, store } = metadata;
  const limits = { concurrency: 1, timeoutMs, killGraceMs: deps.killGraceMs };
  const batch = metadata.batch && { ...limits, size: 1, waitMs: 0 };
  const chunks: Uint8Array[] = [];
  return new Promise((resolve, reject) => {
    const dispatcher = new Dispatcher(
      {
        ...limits,
        batch,
        ordered: true,
        prefetch: false,
        maxQueued: 1,
        maxQueuedBytes: Number.MAX_SAFE_INTEGER,
      },
      {
        settled: (_, outcome) => resolve({ outcome, chunks }),
        chunk: (_, data) => void chunks.push(data.slice()),
        halved: () => undefined,
        wake: () => undefined,
        roomChanged: () => undefined,
      },
      new Suspicions([""], new Map()),
      deps.clock,
    );
    const lane = dispatcher.lane(worker);
    const idPrefix = `invoke.${crypto.randomUUID()}.`;
    // What is given and shown is what lies in the envelope.
    const { propagate, uses } = metadata;
    const given = { envelope: "none", propagate, uses, batches: batch !== undefined } as const;
    const about = { app: deps.app, kind, subjects, store, ...given };
    const request = { ...about, concurrency: 1, attempts: 1, timeoutMs, idPrefixes: [idPrefix] };
    setUpCandidate(worker, () => worker.start(request, lane), candidate).then(() => {
      dispatcher.ready(lane);
      dispatcher.accept(message);
    }, reject);
  });
}

function delivery(
  { subjects }: ResolvedMetadata,
  data: Uint8Array,
  headers: readonly (readonly [string, string])[],
): Delivery {
  return {
    subject: subjects[0]!,
    data,
    headers: headers.length === 0 ? undefined : encodeHeaders(headers),
    seq: 1,
    attempt: 1,
    hops: 0,
  };
}

function errorOf(
  outcome: Outcome,
  file: HandlerFile,
  deps: SlotDeps,
  metadata: ResolvedMetadata,
): RuntimeError | undefined {
  if (!isFailure(outcome)) return undefined;
  return outcomeError(outcome, {
    handler: file.name,
    file: file.displayPath,
    rootDir: deps.sourcesDir,
    subject: claimsText(metadata.subjects),
    timeoutMs: metadata.timeoutMs,
    sinceMs: deps.clock.nowMs(),
  });
}
