// One handler over all replicas: sums, percentiles of the sums, and what its replicas do not agree on. Pure.

import { percentileMs } from "../deliver/handler-stats.ts";
import type { Hold } from "../message/hold.ts";
import type { SlowStartWords } from "../message/slow-start.ts";
import { claims } from "../metadata/claims.ts";
import type { BatchRule, FairRule, RateRule } from "../metadata/handler-metadata.ts";
import type { PlannedTimes } from "../metadata/planned-times.ts";
import type { Spacing } from "../metadata/spacing.ts";
import type { StateKind } from "../supervise/handler-state.ts";
import type { ReplicaInfo, ReportedHandler, StatusReply } from "./control-protocol.ts";

export interface ServedVersion {
  readonly version: string;
  readonly replicas: number;
  /** Since when the first of them serves it, in milliseconds since the epoch; undefined: they are older, and do not say. */
  readonly sinceMs?: number | undefined;
}

export interface HandlerSummary {
  readonly name: string;
  /** The worst of its states; `inState` replicas of `replicas.length` are in it. */
  readonly state: StateKind;
  readonly inState: number;
  readonly file: string;
  readonly kind: string | undefined;
  readonly subjects: readonly string[] | undefined;
  /** All of them, for people. */
  readonly subject: string | undefined;
  /** It is given so many messages at a time; undefined: one. */
  readonly batch?: BatchRule | undefined;
  /** As its status says. */
  readonly spacing?: Spacing | undefined;
  /** As its status says. */
  readonly rate?: RateRule | undefined;
  readonly fairBy?: FairRule | undefined;
  /** What a run publishes is stored as one; undefined: each by itself. */
  readonly outputs?: "atomic" | undefined;
  /** Of the JetStream that has its stream; undefined: that of the account. */
  readonly domain?: string | undefined;
  /** Subjects that it publishes and requests, as far as it says so. */
  readonly publishes: readonly string[];
  readonly schedule?: PlannedTimes | undefined;
  /** What serves, most common first: more than one while a deployment is on its way, or when it has failed halfway. */
  readonly versions: readonly ServedVersion[];
  readonly inFlight: number;
  /** Of those, how many are settled after their function has returned; undefined: none. */
  readonly deferred?: number | undefined;
  readonly queued: number;
  /** Messages of the stream that are not settled; undefined where that is not known, or the handler is not durable. */
  readonly pending: number | undefined;
  readonly handled: number;
  readonly failed: number;
  readonly filtered: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly reloads: number;
  readonly restarts: number;
  readonly memoryBytes: number | undefined;
  /** What keeps messages from it, each reason once, the oldest first; on so many replicas. */
  readonly holds: readonly (Hold & { readonly onReplicas: number })[];
  /** How slowly an operator has it begin; undefined: as fast as it can, or it is off. */
  readonly slowStart?: SlowStartWords | undefined;
  readonly replicas: readonly { readonly replica: ReplicaInfo; readonly handler: ReportedHandler }[];
}

/** Worst first. */
const SEVERITY: readonly StateKind[] = [
  "failed",
  "quarantined",
  "backing-off",
  "disabled",
  "restarting",
  "starting",
  "stopped",
  "serving",
  "waking",
  "idle",
];
/** In all of these the handler takes messages: replicas that differ here do not disagree. */
const TAKING = new Set<StateKind>(["serving", "waking", "idle"]);

/** Sorted by name. */
export function summarize(
  replies: readonly StatusReply[],
  pending: ReadonlyMap<string, number> = new Map(),
): HandlerSummary[] {
  const byName = new Map<string, HandlerSummary["replicas"][number][]>();
  for (const { replica, handlers } of replies) {
    for (const handler of handlers) {
      const seen = byName.get(handler.name) ?? [];
      byName.set(handler.name, [...seen, { replica, handler }]);
    }
  }
  const names = [...byName.keys()].sort();
  return names.map((name) => summaryOf(name, byName.get(name) ?? [], pending.get(name)));
}

function summaryOf(name: string, replicas: HandlerSummary["replicas"], pending: number | undefined): HandlerSummary {
  const handlers = replicas.map(({ handler }) => handler);
  const state = SEVERITY.find((kind) => handlers.some((handler) => handler.state === kind)) ?? "stopped";
  const agree = (kind: StateKind) => kind === state || (TAKING.has(kind) && TAKING.has(state));
  const memory = handlers.flatMap(({ memoryBytes }) => memoryBytes ?? []);
  const known = handlers.find(({ kind }) => kind !== undefined);
  return {
    name,
    state,
    inState: handlers.filter((handler) => agree(handler.state)).length,
    file: handlers[0]?.file ?? "",
    // Off since the start, but with a durable: what else could it be.
    kind: known?.kind ?? (pending === undefined ? undefined : "durable"),
    subjects: known && claims(known),
    subject: known?.subject,
    publishes: [...new Set(handlers.flatMap(({ publishes = [] }) => publishes))],
    ...(known?.batch === undefined ? {} : { batch: known.batch }),
    ...(known?.spacing === undefined ? {} : { spacing: known.spacing }),
    ...(known?.rate === undefined ? {} : { rate: known.rate }),
    ...(known?.fairBy === undefined ? {} : { fairBy: known.fairBy }),
    ...(known?.outputs === undefined ? {} : { outputs: known.outputs }),
    ...(known?.domain === undefined ? {} : { domain: known.domain }),
    ...(known?.schedule === undefined ? {} : { schedule: known.schedule }),
    versions: versionsOf(handlers),
    inFlight: total(handlers, "inFlight"),
    ...deferredIn(handlers),
    queued: total(handlers, "queued"),
    pending,
    handled: total(handlers, "handled"),
    failed: total(handlers, "failed"),
    filtered: total(handlers, "filtered"),
    ...timesOf(durationsOf({ replicas })),
    reloads: total(handlers, "reloads"),
    restarts: total(handlers, "restarts"),
    memoryBytes: memory.length === 0 ? undefined : memory.reduce((sum, bytes) => sum + bytes, 0),
    holds: holdsOf(handlers),
    ...slowStartIn(handlers),
    replicas,
  };
}

/** How many took how long, on all replicas. */
export function durationsOf({ replicas }: Pick<HandlerSummary, "replicas">): number[] {
  return sums(replicas.map(({ handler }) => handler.durations));
}

/** How long half of them took at most, and of a hundred 99, in milliseconds; 0 when there are none. */
export function timesOf(durations: readonly number[]): Pick<HandlerSummary, "p50Ms" | "p99Ms"> {
  return { p50Ms: percentileMs(durations, 0.5), p99Ms: percentileMs(durations, 0.99) };
}

type Count = "inFlight" | "queued" | "handled" | "failed" | "filtered" | "reloads" | "restarts";

/** A replica of an older version may count less. */
function total(handlers: readonly ReportedHandler[], name: Count): number {
  return handlers.reduce((sum, handler) => sum + (handler[name] ?? 0), 0);
}

function sums(rows: readonly (readonly number[])[]): number[] {
  const length = Math.max(0, ...rows.map((row) => row.length));
  return Array.from({ length }, (_, at) => rows.reduce((sum, row) => sum + (row[at] ?? 0), 0));
}

function holdsOf(handlers: readonly ReportedHandler[]): HandlerSummary["holds"] {
  const all = handlers.flatMap(({ holds = [] }) => holds).sort((a, b) => a.sinceMs - b.sinceMs);
  const reasons = [...new Set(all.map(({ reason }) => reason))];
  return reasons.map((reason) => {
    const same = all.filter((hold) => hold.reason === reason);
    return { ...same[0]!, onReplicas: same.length };
  });
}

function deferredIn(handlers: readonly ReportedHandler[]): Pick<HandlerSummary, "deferred"> {
  const deferred = handlers.reduce((sum, handler) => sum + (handler.deferred ?? 0), 0);
  return deferred === 0 ? {} : { deferred };
}

/** Who has heard last knows best how many are left. */
function slowStartIn(handlers: readonly ReportedHandler[]): Pick<HandlerSummary, "slowStart"> {
  const all = handlers.flatMap(({ slowStart = [] }) => slowStart);
  const left = ({ first }: SlowStartWords) => first?.left ?? 0;
  const [slowStart] = all.sort((a, b) => b.sinceMs - a.sinceMs || left(a) - left(b));
  return slowStart === undefined ? {} : { slowStart };
}

function versionsOf(handlers: readonly ReportedHandler[]): HandlerSummary["versions"] {
  const served = new Map<string, ServedVersion>();
  for (const { version, servesSinceMs } of handlers) {
    if (version === undefined) continue;
    const { replicas, sinceMs } = served.get(version) ?? { replicas: 0 };
    const times = [sinceMs, servesSinceMs].filter((time) => time !== undefined);
    const first = times.length === 0 ? {} : { sinceMs: Math.min(...times) };
    served.set(version, { version, replicas: replicas + 1, ...first });
  }
  return [...served.values()].sort((a, b) => b.replicas - a.replicas);
}
