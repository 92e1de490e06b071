// Every default value of the runtime. They stand nowhere else.

import type { LogLevel } from "../events.ts";
import type { HandlerDefaults } from "../metadata/handler-metadata.ts";

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const MIB = 1024 ** 2;

export const handlerDefaults: HandlerDefaults = {
  kind: "event",
  envelope: "none",
  description: "",
  concurrency: 16,
  timeoutMs: 30 * SECOND_MS,
  retry: {
    attempts: 5,
    backoffMs: [SECOND_MS, 5 * SECOND_MS, 30 * SECOND_MS, 2 * MINUTE_MS, 10 * MINUTE_MS],
  },
  expiresMs: 0,
  propagate: [],
  memoryMiB: 256,
  env: [],
  idleMs: 5 * MINUTE_MS,
  recycle: { messages: 0, ageMs: 0 },
  minWorkers: 0,
  workers: 1,
  maxQueued: 10_000,
  maxQueuedBytes: 64 * MIB,
  disabled: false,
};

export const runtimeDefaults = {
  handlersDir: "handlers",
  /** In `dev` nobody else on the network need see it; a container is reached from outside. */
  httpHost: { dev: "127.0.0.1", start: "0.0.0.0" },
  logLevel: "info" satisfies LogLevel as LogLevel,
  drainGraceMs: 25 * SECOND_MS,
  killGraceMs: SECOND_MS,
  startTimeoutMs: 10 * SECOND_MS,
  maxHops: 16,
  warmWorkers: 2,
  eagerWorkers: 32,
  /** A week in a stream, and a month as a dead letter. */
  largePayloadsTtlMs: 40 * 86_400_000,
  keepVersions: 5,
  /** A version is kept once it has served for so long. */
  keepVersionAfterMs: 5 * SECOND_MS,
} as const;
