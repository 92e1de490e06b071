// One message through a handler, without NATS and without a process: what stands between the two ends is the runtime's own.

import type { HandlerRun, RunHandler } from "../../sdk/testing.ts";
import type { HandlerModule } from "../worker/load.ts";
import { durationMs } from "./duration-option.ts";
import { testMessage } from "./message.ts";
import { Observed } from "./observed.ts";
import { reportOf } from "./report.ts";
import { runModule } from "./run-module.ts";
import { metadataOf } from "./test-metadata.ts";

/** See `RunHandler`. */
export const runHandler: RunHandler = async (exports, payload, options = {}) => {
  const module = exports as unknown as HandlerModule;
  const metadata = metadataOf(module, options);
  const message = testMessage(metadata, payload, options);
  const observed = new Observed(options, metadata.uses);
  const leaseMs = options.lease === undefined ? undefined : durationMs("lease", options.lease);
  const bare = options.lifecycle === false;
  const ended = await runModule({ module, metadata, message, end: observed, bare, leaseMs });
  const report = reportOf(ended, metadata, module.metadata?.payload ?? "json");
  const { published, requested, logs } = observed;
  return { ...report, published, requested, logs, ...observed.kept, once: observed.keptOnce } as HandlerRun<never>;
};
