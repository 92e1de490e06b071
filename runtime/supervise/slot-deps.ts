// What every slot is given by the supervisor.

import type { Binder } from "../bind/binder.ts";
import type { Bundle } from "../bundle/bundle.ts";
import type { Bundler } from "../bundle/bundler.ts";
import type { Clock } from "../clock.ts";
import type { WriteWatches } from "../deliver/write-watch.ts";
import type { Emit } from "../events.ts";
import type { WorkerSource } from "../isolate/worker-source.ts";
import type { DeliverySpans } from "../message/delivery-spans.ts";
import type { DeliveryTap } from "../message/delivery-tap.ts";
import type { FleetRates } from "../message/fleet-rates.ts";
import type { Call } from "../message/handler-call.ts";
import type { CarryAsk } from "../message/schedule-call.ts";
import type { SlowDowns } from "../message/slow-down.ts";
import type { SlowStarts } from "../message/slow-start.ts";
import type { HandlerDefaults, ResolvedMetadata } from "../metadata/handler-metadata.ts";
import type { VersionStanding } from "../versions/rollbacks.ts";
import type { Gate } from "./concurrency-limit.ts";
import type { Evaluator } from "./evaluator.ts";
import type { Groups } from "./groups.ts";
import type { SubjectClaims } from "./subject-claims.ts";

export interface HandlerVersions {
  /** A version of the handler has begun to serve. */
  served(bundle: Bundle, metadata: ResolvedMetadata): void;
  standingOf(handler: string): VersionStanding;
  /**
   * Whether it may be tried on a share of the messages: not where it was rolled back to, nor where an operator has taken its
   * rollback back. `"not-kept"`: nobody could go back from it.
   */
  mayTry(bundle: Bundle): boolean | "not-kept";
  /**
   * The version to serve first where none does, so that this one can be tried beside it: kept from before, laid out. Undefined where
   * this one is not new, or the one before does not ask for that. Never rejects.
   */
  before(bundle: Bundle): Promise<Bundle | undefined>;
  /** Keep a version that others may have to go back to. Resolves when that is done, or could not be; never rejects. */
  keepNow(bundle: Bundle, metadata: ResolvedMetadata): Promise<void>;
  /** The version was tried and did worse: every replica serves `to` instead. Resolves when this one does; never rejects. */
  returned(handler: string, version: string, to: string, reason: string): Promise<void>;
}

export interface SlotDeps {
  readonly app: string;
  readonly rootDir: string;
  /** Where the paths in stacks start from, absolute: the root, unless a build is served that lies elsewhere. */
  readonly sourcesDir: string;
  readonly defaults: HandlerDefaults;
  readonly startTimeoutMs: number;
  readonly killGraceMs: number;
  readonly maxHops: number;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly bundler: Bundler;
  /** Metadata found out when the handler was built; undefined: it is known once a worker has loaded it. */
  readonly known: (handler: string) => ResolvedMetadata | undefined;
  readonly pool: WorkerSource;
  /** The processes that several handlers share. */
  readonly groups?: Pick<Groups, "take" | "sharing" | "neighboursIn"> | undefined;
  readonly binder: Binder;
  readonly claims: SubjectClaims;
  readonly evaluator: Pick<Evaluator, "look">;
  /** What becomes of versions; undefined: nobody keeps any. */
  readonly versions?: HandlerVersions | undefined;
  /** Whether there are so many handlers that not each gets a process before it has something to do. */
  readonly crowded: () => boolean;
  /** Carries out what handlers publish and request. */
  readonly call: Call;
  /** Carries out what handlers ask of buckets. */
  readonly store: CarryAsk;
  /** Looks at what handlers publish into streams. */
  readonly writes: WriteWatches;
  /** Spans of the deliveries that are run; undefined: tracing is off. */
  readonly spans: DeliverySpans | undefined;
  /** Shown how each delivery ended, while somebody watches. */
  readonly tap?: DeliveryTap | undefined;
  /** Has other replicas pause a handler that has been told to go slower. */
  readonly slowDowns?: SlowDowns | undefined;
  /** Where replicas share the rates that hold over all of them. */
  readonly fleetRates?: FleetRates | undefined;
  /** How slowly operators want handlers to begin. */
  readonly slowStarts?: SlowStarts | undefined;
  /** Where the wait before a retry lies in its spread, from 0 to 1; undefined: by chance. */
  readonly retrySpread?: (() => number) | undefined;
  /** Bounds how many candidates come up at the same time. */
  readonly gate: Gate;
  readonly inspectPort: (handler: string) => number | undefined;
  readonly clock: Clock;
  readonly emit: Emit;
}
