// What control clients and runtimes say to each other, over subjects of the app: whoever may publish to
// `_HANDLERS.<app>.>` controls it, and NATS permissions decide who that is.
//
// Requests and replies are JSON. Every replica answers every request, but `invoke`, which one of them takes. A long
// answer comes as several messages, each saying whether more follow.

import type { StateKind } from "../supervise/handler-state.ts";
import type { IntentSource } from "../supervise/intent.ts";
import type { IntentMark } from "./intent-store.ts";

export type ControlVerb = "status" | "applied" | "reload" | "invoke" | "logs";

export function controlSubject(app: string, verb: ControlVerb): string {
  return `_HANDLERS.${app}.${verb}`;
}

/** Everything that a control client needs the right to publish to. */
export function controlSubjects(app: string): string {
  return `_HANDLERS.${app}.>`;
}

export interface ReplicaInfo {
  readonly instance: string;
  readonly host: string;
  readonly pid: number;
  readonly startedAtMs: number;
}

export interface ReportedError {
  readonly code: string;
  readonly message: string;
  readonly place?: string;
  readonly frame?: string;
  readonly remedy?: string;
}

/** One handler in one replica. */
export interface ReportedHandler {
  readonly name: string;
  readonly file: string;
  readonly state: StateKind;
  /** Of the version that serves, or that did before it was disabled, as are `subject` and `version`. */
  readonly kind?: string;
  readonly subject?: string;
  readonly version?: string;
  readonly inFlight: number;
  readonly queued: number;
  readonly handled: number;
  readonly failed: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** How many deliveries took up to 0.1, 0.2, 0.4, ... ms: to work out percentiles over several replicas. */
  readonly durations: readonly number[];
  readonly reloads: number;
  readonly restarts: number;
  readonly pids: readonly number[];
  /** Resident memory of its workers, where the system tells. */
  readonly memoryBytes?: number;
  /** Why the last version did not come up; absent when it did. */
  readonly lastFailure?: ReportedError;
  /** The last thing that went wrong, and when; it may have been put right since. */
  readonly lastError?: ReportedError & { readonly atMs: number };
  readonly disabled?: {
    readonly source: IntentSource;
    readonly by: string;
    readonly reason: string;
    readonly sinceMs: number;
    readonly untilMs?: number;
  };
}

/** Every answer of a replica. */
export interface Answer {
  readonly replica: ReplicaInfo;
  /** Another message with the rest follows. */
  readonly more?: boolean;
  /** The request could not be answered. */
  readonly refusal?: ReportedError;
}

export interface StatusReply extends Answer {
  readonly handlers: readonly ReportedHandler[];
}

/** Asks for an answer once all marks have been applied, or `waitMs` milliseconds later. */
export interface AppliedRequest {
  readonly marks: readonly IntentMark[];
  readonly waitMs: number;
}

export interface AppliedReply extends Answer {
  /** Handlers that do not yet act by their mark. */
  readonly waiting: readonly string[];
}

export interface ReloadRequest {
  /** Names, no globs. */
  readonly names: readonly string[];
}

export interface ReloadReply extends Answer {
  readonly reloaded: readonly ReloadedHandler[];
}

export interface ReloadedHandler {
  readonly name: string;
  readonly state: StateKind;
  readonly version?: string;
  readonly tookMs: number;
  readonly error?: ReportedError;
}

export interface InvokeRequest {
  readonly name: string;
  /** The payload, base64. */
  readonly data: string;
  readonly headers: readonly (readonly [string, string])[];
}

export interface InvokeReply extends Answer {
  readonly outcome: string;
  readonly tookMs: number;
  /** What it returned or yielded, base64; only for what replies. */
  readonly replies: readonly string[];
  readonly error?: ReportedError;
}

/** Asks for the last lines, and to be sent new ones for `leaseMs` to the reply subject. Asked again to go on. */
export interface LogsRequest {
  /** Names or globs; empty: all. */
  readonly names: readonly string[];
  /** How many past lines, 0 to 500. */
  readonly last: number;
  /** The least level wanted. */
  readonly level: string;
  readonly leaseMs: number;
}

export interface LogsReply extends Answer {
  readonly lines: readonly LogLine[];
}

export interface LogLine {
  readonly replica: string;
  readonly timeMs: number;
  readonly level: string;
  readonly handler?: string;
  readonly text: string;
  readonly fields?: Readonly<Record<string, unknown>>;
}
