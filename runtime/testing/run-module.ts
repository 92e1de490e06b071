// A handler's life with one message: set up, run, torn down.

import { systemClock } from "../clock.ts";
import type { Outcome } from "../message/outcome.ts";
import type { ResolvedMetadata } from "../metadata/handler-metadata.ts";
import type { HandlerModule } from "../worker/load.ts";
import { createLog } from "../worker/log.ts";
import { type LoopbackEnd, LoopbackLink } from "./loopback-link.ts";
import type { TestMessage } from "./message.ts";
import { TestRun } from "./test-run.ts";

/** A test is of one handler: its name stands in ids and errors alone. */
export const NAME = "handler";
const ID_PREFIX = "test:";

export interface ModuleRun {
  readonly module: HandlerModule;
  readonly metadata: ResolvedMetadata;
  readonly message: TestMessage;
  readonly end: LoopbackEnd;
  /** Without `setup` and `teardown`. */
  readonly bare?: boolean;
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

/** Rejects with what `setup` or `teardown` throws; what the function does is the outcome. */
export async function runModule({
  module,
  metadata,
  message,
  end,
  bare,
  onBegin,
  onEnd,
}: ModuleRun): Promise<EndedRun> {
  const { signal } = new AbortController(); // Nothing ends before it is over.
  const link = new LoopbackLink({ handler: NAME, idPrefixes: [ID_PREFIX], gone: signal }, end);
  const about = { handler: NAME, shadow: false, signal, log: createLog(link, () => ({})) };
  const { setup, teardown } = bare === true ? {} : module;
  await setup?.(about);
  try {
    const deps = { handler: NAME, link, idPrefix: ID_PREFIX, clock: systemClock };
    const run = new TestRun(module, metadata, message, deps);
    onBegin?.();
    const outcome = await run.ended();
    onEnd?.();
    return { outcome, attempt: message.arrival.attempt, chunks: run.chunks };
  } finally {
    await teardown?.(about);
  }
}
