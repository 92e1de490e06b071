// Handlers as health, metrics and the service protocol see them, made up.

import { HandlerStats } from "../../../runtime/deliver/handler-stats.ts";
import type { WorkerExit } from "../../../runtime/message/outcome.ts";
import type { HandlerReading, HandlerStanding, RuntimeSource } from "../../../runtime/observe/metrics-source.ts";

export const CRASH: WorkerExit = {
  code: 1,
  signal: null,
  killedBecause: undefined,
  outOfMemory: false,
  lastOutput: [],
};

export interface MadeUp {
  readonly status?: Partial<HandlerStanding>;
  readonly stats?: HandlerStats;
  readonly description?: string;
}

export function reading(name: string, { status = {}, stats, description = "" }: MadeUp = {}): HandlerReading {
  const subject = `${name.replaceAll("/", ".")}.>`;
  const standing: HandlerStanding = {
    name,
    file: `handlers/${name}.ts`,
    state: "serving",
    kind: "event",
    subjects: [subject],
    subject,
    version: "v1",
    inFlight: 0,
    queued: 0,
    pids: [],
    lastFailure: undefined,
    holds: [],
    ...status,
  };
  return { status: standing, stats: stats ?? new HandlerStats(), description };
}

export function source(handlers: readonly HandlerReading[], changes: Partial<RuntimeSource> = {}): RuntimeSource {
  return {
    app: "shop",
    instance: "ab12cd34",
    version: "1.2.3",
    phase: "running",
    nats: () => ({ kind: "connected", reconnects: 0 }),
    handlers: () => handlers,
    pending: async () => new Map(),
    ...changes,
  };
}
