// What control clients and runtimes say to each other, over subjects of the app: whoever may publish to
// `_HANDLERS.<app>.>` controls it, and NATS permissions decide who that is.
//
// Requests and replies are JSON. Every replica answers every request, but `invoke`, which one of them takes.

import type { StateKind } from "../supervise/handler-state.ts";
import type { IntentSource } from "../supervise/intent.ts";

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
  readonly place: string | undefined;
  readonly frame: string | undefined;
  readonly remedy: string | undefined;
}

/** One handler in one replica. */
export interface ReportedHandler {
  readonly name: string;
  readonly file: string;
  readonly state: StateKind;
  readonly kind?: string;
  readonly subject?: string;
  readonly version?: string;
  readonly inFlight: number;
  readonly queued: number;
  /** Messages of the stream not yet handed out; durable only. */
  readonly pending?: number;
  readonly handled: number;
  readonly failed: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly reloads: number;
  readonly restarts: number;
  readonly pids: readonly number[];
  /** Resident memory of its workers, where the system tells. */
  readonly memoryBytes?: number;
  readonly lastFailure?: ReportedError;
  readonly disabled?: {
    readonly source: IntentSource;
    readonly by: string;
    readonly reason: string;
    readonly sinceMs: number;
    readonly untilMs?: number;
  };
}

export interface StatusReply {
  readonly replica: ReplicaInfo;
  readonly handlers: readonly ReportedHandler[];
}

export interface AppliedReply {
  readonly replica: ReplicaInfo;
  /** Highest revision of the intents that this replica acts by. */
  readonly revision: number;
}

export interface ReloadRequest {
  readonly names: readonly string[];
}

export interface ReloadReply {
  readonly replica: ReplicaInfo;
  readonly reloaded: readonly { readonly name: string; readonly error?: ReportedError }[];
}

export interface InvokeRequest {
  readonly name: string;
  /** The payload, base64. */
  readonly data: string;
  readonly headers: readonly (readonly [string, string])[];
}

export interface InvokeReply {
  readonly replica: ReplicaInfo;
  readonly outcome: string;
  readonly tookMs: number;
  /** What it returned, base64; only for what replies. */
  readonly reply?: string;
  readonly error?: ReportedError;
}

/** Asks for the last lines, and to be sent new ones for `leaseMs` to the reply subject. Asked again to go on. */
export interface LogsRequest {
  /** Names or globs; empty: all. */
  readonly names: readonly string[];
  /** How many past lines, 0 to 500. */
  readonly last: number;
  readonly leaseMs: number;
}

export interface LogLine {
  readonly replica: string;
  readonly timeMs: number;
  readonly level: string;
  readonly handler?: string;
  readonly text: string;
  readonly fields?: Readonly<Record<string, unknown>>;
}
