// A handler's life with one message: set up, run, torn down.

import { systemClock } from "../clock.ts";
import type { Outcome } from "../message/outcome.ts";
import type { ResolvedMetadata } from "../metadata/handler-metadata.ts";
import type { HandlerModule } from "../worker/load.ts";
import { createLog } from "../worker/log.ts";
import { type LoopbackEnd, LoopbackLink } from "./loopback-link.ts";
import type { TestMessage } from "./message.ts";
import { TestRun, type TestRunDeps } from "./test-run.ts";

/** A test is of one handler: its name stands in ids and errors alone. */
export const NAME = "handler";
const ID_PREFIX = "test:";

export interface ModuleRun {
  readonly module: HandlerModule;
  readonly metadata: ResolvedMetadata;
  readonly message: TestMessage;
  readonly end: LoopbackEnd;
  /** Without `setup` and `teardown`. */
  readonly bare?: boolean | undefined;
  /** In place of what `ctx.defer` says. */
  readonly leaseMs?: number | undefined;
  /** Called before the function is, and when it has ended. */
  readonly onBegin?: () => void;
  readonly onEnd?: () => void;
}

export interface EndedRun {
  readonly outcome: Outcome;
  readonly attempt: number;
  /** Of a streamed reply. */
  readonly chunks: readonly Uint8Array[];
}

/** Throws a TypeError for a handler that takes batches. Rejects with what `setup` or `teardown` throws; what the function does is the outcome. */
export function runModule({
  module,
  metadata,
  message,
  end,
  bare,
  leaseMs,
  onBegin,
  onEnd,
}: ModuleRun): Promise<EndedRun> {
  if (metadata.batch !== undefined)
    throw new TypeError("the handler takes batches (metadata.batch): run it with `runBatch`, or in `startTestRuntime`");
  return inItsLife({ module, end, bare }, async (deps) => {
    const run = new TestRun(module, metadata, message, { ...deps, leaseMs });
    onBegin?.();
    const outcome = await run.ended();
    onEnd?.();
    return { outcome, attempt: message.arrival.attempt, chunks: run.chunks };
  });
}

/** Between `setup` and `teardown`, of which what they throw is thrown on. */
export async function inItsLife<T>(
  { module, end, bare }: Pick<ModuleRun, "module" | "end" | "bare">,
  act: (deps: TestRunDeps) => Promise<T>,
): Promise<T> {
  const { signal } = new AbortController(); // Nothing ends before it is over.
  const link = new LoopbackLink({ handler: NAME, idPrefixes: [ID_PREFIX], gone: signal }, end);
  const about = { handler: NAME, shadow: false, signal, log: createLog(link, () => ({})) };
  const { setup, teardown } = bare === true ? {} : module;
  await setup?.(about);
  try {
    return await act({ handler: NAME, link, idPrefix: ID_PREFIX, clock: systemClock });
  } finally {
    await teardown?.(about);
  }
}
