// What control clients and runtimes say to each other, over subjects of the app: whoever may publish to
// `_HANDLERS.<app>.>` controls it, and NATS permissions decide who that is.
//
// Requests and replies are JSON. Every replica answers every request, but `invoke` and `contract`, which one of them takes; `contract`
// can be asked of a certain one. A long answer comes as several messages, each saying whether more follow.

import type { Hold } from "../message/hold.ts";
import type { Contract } from "../metadata/contract.ts";
import type { OpenConnections } from "../process-connections.ts";
import type { HandlerStatus } from "../supervise/handler-status.ts";
import type { Disabled } from "../supervise/intent.ts";
import type { IntentMark } from "./intent.ts";

export type ControlVerb =
  | "status"
  | "applied"
  | "told"
  | "reload"
  | "invoke"
  | "contract"
  | "running"
  | "connections"
  | "cancel"
  | "logs"
  | "messages"
  | "slow-down"
  | "restore"
  | "operation"
  | "stop-operation";

export function controlSubject(app: string, verb: ControlVerb): string {
  return `_HANDLERS.${app}.${verb}`;
}

/** For what only one of the replicas may know, as each may have other handlers. */
export function controlSubjectOf(app: string, verb: ControlVerb, instance: string): string {
  return `${controlSubject(app, verb)}.${instance}`;
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

/** What may be absent from a report, or stands otherwise in it. */
type Reworded = "kind" | "subject" | "subjects" | "version" | "lastFailure" | "holds" | "disabled" | "filtered";

/** One handler in one replica: its status as JSON can say it. What is not known is absent. */
export interface ReportedHandler extends Omit<HandlerStatus, Reworded> {
  /** Of the version that serves, or that did before it was disabled, as are its subjects. */
  readonly kind?: string;
  /** Absent also of a replica that knows one for each handler only. */
  readonly subjects?: readonly string[];
  /** All of them, for people. */
  readonly subject?: string;
  /** Of the JetStream that has its stream; absent: that of the account. */
  readonly domain?: string;
  readonly version?: string;
  /** Absent where the replica is of an older version. */
  readonly filtered?: number;
  /** Resident memory of its workers, where the system tells. */
  readonly memoryBytes?: number;
  /** Why the last version did not come up; absent when it did. */
  readonly lastFailure?: ReportedError;
  /** The last thing that went wrong, and when; it may have been put right since. */
  readonly lastError?: ReportedError & { readonly atMs: number };
  /** What keeps messages from the version that serves, though nothing is wrong with it; absent when nothing does. */
  readonly holds?: readonly Hold[];
  readonly disabled?: Omit<Disabled, "untilMs" | "now"> & { readonly untilMs?: number };
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
  /** What time it is on the NATS server, as far as the replica knows. */
  readonly nowMs?: number;
}

/** Intents that the bucket does not take now. Who is told acts by them, and writes them down as soon as it does. */
export interface ToldRequest {
  readonly intents: readonly { readonly name: string; readonly text: string }[];
}

/** All of them are in force. */
export type ToldReply = Answer;

/** Asks for an answer once all marks have been applied, or `waitMs` milliseconds later. */
export interface AppliedRequest {
  readonly marks: readonly IntentMark[];
  /** The intents themselves, in the order of their marks: who has not heard of one yet need not wait for the bucket to tell it. */
  readonly texts?: readonly string[];
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
  readonly state: HandlerStatus["state"];
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

export interface ContractRequest {
  readonly name: string;
}

export interface ContractReply extends Answer {
  readonly contract?: Contract;
  /** Absent also of a replica of an older version. */
  readonly metadata?: object;
}

/** Asks what runs now. */
export interface RunningRequest {
  /** Names, no globs; empty: all. */
  readonly names: readonly string[];
}

export interface RunningReply extends Answer {
  /** Of each handler the oldest, MOST_RUNNING at most. */
  readonly running: readonly RunningMessage[];
  /** So many more run. */
  readonly unsaid?: number;
}

/** A message that a handler runs now. */
export interface RunningMessage {
  readonly handler: string;
  readonly id: string;
  /** What it is called on its way (message/origin.ts). */
  readonly origin: string;
  readonly subject: string;
  readonly attempt: number;
  readonly bytes: number;
  readonly ranMs: number;
  /** Its function has returned, and it waits to be settled (`ctx.defer`). */
  readonly isDeferred?: true | undefined;
}

/** Asks what handlers' processes are connected to. */
export type ConnectionsRequest = RunningRequest;

export interface ConnectionsReply extends Answer {
  readonly connections: readonly HandlerConnections[];
  /** The replica's system does not tell. */
  readonly isUnknown?: boolean;
}

/** Of one handler, or of those that share a process, with all that its processes have started. */
export interface HandlerConnections extends OpenConnections {
  /** Its name; of several with commas. */
  readonly handler: string;
  /** How many processes it has. */
  readonly processes: number;
}

/** Ends a message that a handler runs, for good. */
export interface CancelRequest {
  readonly handler: string;
  readonly id: string;
  readonly by: string;
}

export interface CancelReply extends Answer {
  /** Once it has ended; `not-running`: this replica runs no such message. */
  readonly end: "cancelled" | "not-running";
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
