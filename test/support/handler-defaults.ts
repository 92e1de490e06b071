// Defaults of handlers, each of another value than the runtime's own: what is taken from them shows.

import type { HandlerDefaults } from "../../runtime/metadata/handler-metadata.ts";

export const DEFAULTS: HandlerDefaults = {
  kind: "event",
  envelope: "none",
  description: "",
  concurrency: 3,
  timeoutMs: 4_000,
  retry: { attempts: 5, backoffMs: [6_000] },
  expiresMs: 0,
  propagate: [],
  memoryMiB: 77,
  env: ["BASE"],
  idleMs: 8_000,
  recycle: { messages: 0, ageMs: 0 },
  minWorkers: 0,
  workers: 1,
  maxQueued: 9,
  maxQueuedBytes: 10_000,
  disabled: false,
};
