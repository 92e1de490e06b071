// How one handler stands, for people and for `--json`.

import type { HandlerFile } from "../discover/handler-file.ts";
import type { RuntimeError } from "../errors.ts";
import type { Hold } from "../message/hold.ts";
import type { SlowStartWords } from "../message/slow-start.ts";
import { claimsText } from "../metadata/claims.ts";
import type { BatchRule, Envelope, FairRule, HandlerKind, RateRule, Uses } from "../metadata/handler-metadata.ts";
import type { PlannedTimes } from "../metadata/planned-times.ts";
import { type Spacing, spacingOf } from "../metadata/spacing.ts";
import type { Rollback } from "../versions/rollback.ts";
import type { VersionStanding } from "../versions/rollbacks.ts";
import type { CanaryStanding } from "./canary-trial.ts";
import type { Generation } from "./generation.ts";
import type { StateKind } from "./handler-state.ts";
import type { Disabled } from "./intent.ts";
import type { SlotMemory } from "./slot-memory.ts";
import { currentOf, type SlotState } from "./slot-state.ts";

export interface HandlerStatus {
  readonly name: string;
  readonly file: string;
  readonly state: StateKind;
  /** Of the version that serves or served last, as are its subjects; undefined when none has. */
  readonly kind: HandlerKind | undefined;
  readonly subjects: readonly string[] | undefined;
  /** All of them, for people. */
  readonly subject: string | undefined;
  /** Each replica has every message. */
  readonly everyReplica?: boolean | undefined;
  /** It has its messages in order over all replicas: they wait in a stream of its own. */
  readonly inOrder?: boolean | undefined;
  /** It puts them there itself: until then they wait in its own durable. */
  readonly putsInOrder?: boolean | undefined;
  /** What its messages lie in; undefined: in nothing. */
  readonly envelope?: Envelope | undefined;
  /** It is given so many messages at a time; undefined: one. */
  readonly batch?: BatchRule | undefined;
  /** A singleton that another replica runs. */
  readonly standby?: boolean | undefined;
  /** Of the messages of a key not each is run; undefined: each is. */
  readonly spacing?: Spacing | undefined;
  /** How many may begin in a time; undefined: as many as there is room for. */
  readonly rate?: RateRule | undefined;
  /** Keys have their turns one after another; undefined: messages begin in their order. */
  readonly fairBy?: FairRule | undefined;
  /** What a run publishes is stored as one; undefined: each by itself. */
  readonly outputs?: "atomic" | undefined;
  /** Of the JetStream that has its stream; undefined: that of the account. */
  readonly domain?: string | undefined;
  /** Subjects that it publishes and requests, as far as it says so; undefined: it says of none. */
  readonly publishes?: readonly string[] | undefined;
  /** Buckets it reads and writes; undefined: none. */
  readonly uses?: Uses | undefined;
  /** When it runs by itself; undefined: only when somebody publishes. */
  readonly schedule?: PlannedTimes | undefined;
  /** Of the version that serves; undefined when none does. */
  readonly version: string | undefined;
  /** Since when that version serves here, in milliseconds since the epoch; undefined when none does. */
  readonly servesSinceMs?: number | undefined;
  /** What is there to be served, where that is another version: an operator has rolled it back, or it did not come up. */
  readonly ownVersion?: string | undefined;
  /** The operator's word that has another version serve. */
  readonly rollback?: Rollback | undefined;
  /** A new version is tried on a share of the messages, beside the one that serves. */
  readonly canary?: CanaryStanding | undefined;
  readonly inFlight: number;
  /** Of those in flight, how many are settled after their function has returned; undefined: none. */
  readonly deferred?: number | undefined;
  readonly queued: number;
  readonly handled: number;
  readonly failed: number;
  /** Let pass unrun by its own `when`. */
  readonly filtered: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** How many deliveries took up to 0.1, 0.2, 0.4, ... ms: to work out percentiles over several replicas. */
  readonly durations: readonly number[];
  readonly reloads: number;
  readonly restarts: number;
  readonly pids: readonly number[];
  /** Whose process it shares, where it does so with any. */
  readonly group?: string | undefined;
  /** Handlers that are in its process too; undefined: none. */
  readonly sharesWith?: readonly string[] | undefined;
  /** Why the last version did not come up; undefined when it did. */
  readonly lastFailure: RuntimeError | undefined;
  /** What keeps messages from the version that serves. */
  readonly holds: readonly Hold[];
  /** Who turned it off, when somebody did. */
  readonly disabled: Disabled | undefined;
  /** How slowly an operator has it begin; undefined: as fast as it can. */
  readonly slowStart?: SlowStartWords | undefined;
}

/** What a slot knows. */
export interface SlotView {
  readonly name: string;
  readonly file: HandlerFile;
  readonly state: SlotState;
  readonly memory: SlotMemory;
  readonly standing: VersionStanding | undefined;
  readonly canary: CanaryStanding | undefined;
  readonly disabled: Disabled | undefined;
  readonly slowStart: SlowStartWords | undefined;
  /** What its publishes wait for. */
  readonly writes: readonly Hold[];
}

/** @param finishing versions on their way out, whose messages count too */
export function statusOf(slot: SlotView, finishing: readonly Generation[]): HandlerStatus {
  const { stats, metadata: known, failure } = slot.memory;
  const current = currentOf(slot.state);
  const metadata = current?.metadata ?? known;
  const version = current?.bundle.version;
  const { own, rollback } = slot.standing ?? {};
  const generations = current === undefined ? finishing : [...finishing, current];
  const routes = [...new Set(generations.map(({ route }) => route))];
  return {
    name: slot.name,
    file: slot.file.displayPath,
    state: slot.state.kind,
    kind: metadata?.kind,
    subjects: metadata?.subjects,
    subject: metadata && claimsText(metadata.subjects),
    everyReplica: metadata?.everyReplica === true ? true : undefined,
    inOrder: metadata?.fleetOrder === undefined ? undefined : true,
    putsInOrder: metadata?.fleetOrder === undefined || "wildcard" in metadata.fleetOrder ? undefined : true,
    envelope: metadata?.envelope === "none" ? undefined : metadata?.envelope,
    batch: metadata?.batch,
    standby: current?.route.isStandby === true ? true : undefined,
    spacing: metadata && spacingOf(metadata),
    rate: metadata?.rate,
    fairBy: metadata?.fairBy,
    outputs: metadata?.outputs === "atomic" ? "atomic" : undefined,
    domain: metadata?.domain,
    publishes: metadata === undefined || metadata.publishes.length === 0 ? undefined : metadata.publishes,
    uses: metadata === undefined || usesNone(metadata.uses) ? undefined : metadata.uses,
    schedule: metadata?.schedule?.times,
    version,
    servesSinceMs: current === undefined ? undefined : slot.memory.servesSinceMs,
    ownVersion: own === version ? undefined : own,
    rollback,
    canary: slot.canary,
    inFlight: routes.reduce((sum, { dispatcher: { inFlight, deferrals } }) => sum + inFlight + deferrals, 0),
    deferred: routes.reduce((sum, { dispatcher }) => sum + dispatcher.deferrals, 0) || undefined,
    queued: routes.reduce((sum, { queued }) => sum + queued, 0),
    handled: stats.handled,
    failed: stats.failed,
    filtered: stats.filtered,
    p50Ms: stats.percentileMs(0.5),
    p99Ms: stats.percentileMs(0.99),
    durations: [...stats.durations.counts],
    reloads: stats.reloads,
    restarts: stats.restarts,
    group: metadata?.group,
    pids: [...(current?.pids ?? []), ...(slot.canary?.pids ?? [])],
    lastFailure: failure,
    holds: current === undefined ? [] : [...current.route.holds.all, ...slot.writes],
    disabled: slot.disabled,
    slowStart: slot.slowStart,
  };
}

function usesNone({ kv, objects }: Uses): boolean {
  return kv.length + objects.length === 0;
}
