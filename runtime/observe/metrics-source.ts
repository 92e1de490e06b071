// What health, metrics and the service protocol look at. The runtime fills it; nothing here knows where it comes from,
// and nothing is counted here: counters are read when somebody asks.

/** Durations by size. `counts` has one more entry than `boundsMs`, for those that are longer, and is not cumulated. */
export interface HistogramReading {
  readonly boundsMs: readonly number[];
  readonly counts: ArrayLike<number>;
  readonly sumMs: number;
}

interface Handled {
  readonly handled: number;
  /** Among them. */
  readonly failed: number;
}

interface CanaryReading {
  readonly version: string;
  readonly own: Handled;
  readonly before: Handled;
}

export interface HandlerStanding {
  readonly name: string;
  readonly file: string;
  readonly state: string;
  readonly disabled?: { readonly source: string } | undefined;
  /** Of the last version that served, as are its subjects; undefined before the first. */
  readonly kind: string | undefined;
  readonly subjects: readonly string[] | undefined;
  /** All of them, for people. */
  readonly subject: string | undefined;
  /** Each replica has every message. */
  readonly everyReplica?: boolean | undefined;
  /** Of the JetStream that has its stream; undefined: that of the account. */
  readonly domain?: string | undefined;
  /** Undefined: it does not run by itself. */
  readonly schedule?: object | undefined;
  /** The one that is bound; undefined when none is. */
  readonly version: string | undefined;
  /** Undefined: no operator has it serve a version of before. */
  readonly rollback?: object | undefined;
  /** A version that is tried beside it, with what both have handled since. */
  readonly canary?: CanaryReading | undefined;
  readonly inFlight: number;
  readonly queued: number;
  readonly pids: readonly number[];
  readonly lastFailure: { readonly code: string } | undefined;
  /** What keeps messages from it, though it is bound. */
  readonly holds: readonly { readonly reason: string }[];
}

export interface HandlerCounters {
  readonly outcomes: Readonly<Record<string, number>>;
  readonly durations: HistogramReading;
  readonly waits: HistogramReading;
  readonly lostWorkers: Readonly<Record<string, number>>;
  readonly redeliveries: number;
  readonly deadLetters: number;
  /** Of its schedule, by what became of them. */
  readonly plannedTimes: Readonly<Record<string, number>>;
  readonly reloads: number;
  readonly coldStarts: number;
  readonly coldStartMs: number;
  readonly lastError: string;
}

export interface HandlerReading {
  readonly status: HandlerStanding;
  readonly stats: HandlerCounters;
  readonly description: string;
}

export type NatsReading =
  | { readonly kind: "connecting" }
  | { readonly kind: "connected"; readonly reconnects: number }
  /** Trying to get back since `sinceMs`, in monotonic milliseconds. */
  | { readonly kind: "reconnecting"; readonly reconnects: number; readonly sinceMs: number }
  /** For good: the client has given up. */
  | { readonly kind: "closed"; readonly reconnects: number };

export interface RuntimeSource {
  readonly app: string;
  /** Different for every start. */
  readonly instance: string;
  /** Of the app, in semver. */
  readonly version: string;
  phase: "starting" | "running" | "draining";
  nats: () => NatsReading;
  /** Sorted by name. */
  handlers: () => readonly HandlerReading[];
  /** How many messages of its stream each of these durable handlers has not settled, as far as known. Never rejects. */
  pending: (
    handlers: readonly Pick<HandlerStanding, "name" | "subjects" | "domain">[],
  ) => Promise<ReadonlyMap<string, number>>;
}

/** What is seen before there is anything to see. */
export function emptySource(app: string, instance: string, version: string): RuntimeSource {
  return {
    app,
    instance,
    version,
    phase: "starting",
    nats: () => ({ kind: "connecting" }),
    handlers: () => [],
    pending: async () => new Map(),
  };
}
