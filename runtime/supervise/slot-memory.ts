// What is known of a handler whatever becomes of its versions.

import { HandlerStats } from "../deliver/handler-stats.ts";
import type { SuspicionMemory } from "../deliver/suspicions.ts";
import type { RuntimeError } from "../errors.ts";
import type { ResolvedMetadata } from "../metadata/handler-metadata.ts";

export class SlotMemory {
  readonly stats = new HandlerStats();
  readonly suspicions: SuspicionMemory = new Map();
  /** Files whose change may change the handler. */
  inputs: readonly string[];
  /** Of the version that came up last: what is known of a handler while it is off. */
  metadata: ResolvedMetadata | undefined;
  /** Since when the version that serves does so, in milliseconds since the epoch. */
  servesSinceMs: number | undefined;
  /** Why the last version did not come up; undefined when it did. */
  failure: RuntimeError | undefined;

  constructor(inputs: readonly string[]) {
    this.inputs = inputs;
  }
}
