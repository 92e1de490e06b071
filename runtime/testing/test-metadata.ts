// A module's metadata, as the runtime would read it.

import { handlerDefaults } from "../config/defaults.ts";
import type { HandlerDefaults, ResolvedMetadata } from "../metadata/handler-metadata.ts";
import { checkExports } from "../supervise/check-exports.ts";
import { describeMetadata } from "../worker/describe-metadata.ts";
import { describeDefault, type HandlerModule } from "../worker/load.ts";
import { durationMs } from "./duration-option.ts";
import { NAME } from "./run-module.ts";

export interface MetadataOptions {
  /** In place of the metadata's. */
  readonly timeout?: string | undefined;
  readonly defaults?: HandlerDefaults;
  /** For errors. */
  readonly displayPath?: string;
}

/** Throws METADATA_INVALID with every problem, and a TypeError for a timeout that is none. */
export function metadataOf(
  module: HandlerModule,
  { timeout, defaults = handlerDefaults, displayPath = "the module" }: MetadataOptions,
): ResolvedMetadata {
  const loaded = { metadata: describeMetadata(module.metadata), defaultExport: describeDefault(module.default) };
  const metadata = checkExports(loaded, { file: { name: NAME, path: "", displayPath }, source: "", defaults });
  return timeout === undefined ? metadata : { ...metadata, timeoutMs: durationMs("timeout", timeout) };
}
