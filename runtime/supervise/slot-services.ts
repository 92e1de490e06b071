// What every slot is given by the supervisor.

import type { Binder } from "../bind/binder.ts";
import type { Bundler } from "../bundle/bundler.ts";
import type { Clock } from "../clock.ts";
import type { Call } from "../deliver/handler-call.ts";
import type { Emit } from "../events.ts";
import type { WorkerPool } from "../isolate/pool.ts";
import type { HandlerDefaults, ResolvedMetadata } from "../metadata/handler-metadata.ts";
import type { RunSpans } from "../trace/run-spans.ts";
import type { Inspector } from "./inspector.ts";
import type { SubjectClaims } from "./subject-claims.ts";

export interface SlotServices {
  readonly rootDir: string;
  readonly defaults: HandlerDefaults;
  readonly startTimeoutMs: number;
  readonly killGraceMs: number;
  readonly maxHops: number;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly bundler: Bundler;
  /** Metadata found out when the handler was built; undefined: it is known once a worker has loaded it. */
  readonly known: (handler: string) => ResolvedMetadata | undefined;
  readonly pool: WorkerPool;
  readonly binder: Binder;
  readonly claims: SubjectClaims;
  readonly inspector: Inspector;
  /** Whether there are so many handlers that not each gets a process before it has something to do. */
  readonly crowded: () => boolean;
  /** Carries out what handlers publish and request. */
  readonly call: Call;
  /** Spans of the deliveries that are run; undefined: nobody wants any. */
  readonly spans: RunSpans | undefined;
  /** Bounds how many candidates come up at the same time. */
  readonly gate: <T>(step: () => Promise<T>) => Promise<T>;
  readonly inspectPort: (handler: string) => number | undefined;
  readonly clock: Clock;
  readonly emit: Emit;
}
