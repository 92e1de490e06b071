// How a delivery ended. Expected ends are values; each carries what its settlement and its report need.

import type { MessageKey } from "../metadata/handler-metadata.ts";

/** An author's error, carried across the process boundary as data. */
export interface SerializedError {
  readonly name: string;
  readonly message: string;
  readonly stack: string;
  readonly code?: string | number;
}

export interface SchemaIssue {
  readonly path: string;
  readonly message: string;
}

export interface WorkerExit {
  readonly code: number | null;
  readonly signal: string | null;
  /** Why we killed it; undefined when it ended by itself. */
  readonly killedBecause: string | undefined;
  /** The heap limit or the memory limit ended it. */
  readonly outOfMemory: boolean;
  /**
   * Of one handler's part in a process of several. "others": another one of them has ended it. "unknown": several had messages in
   * flight, and it is not known which of them did.
   */
  readonly dueTo?: "others" | "unknown";
  /** Last lines of its stderr, oldest first, bounded. */
  readonly lastOutput: readonly string[];
}

/** `killedBecause` of a worker ended from outside, through no fault of what it had in flight. */
export const NOT_ITS_FAULT = "the runtime ends it";

/** `killedBecause` of a worker that would not let go of a message whose time was up. */
export const PAST_TIMEOUT = "it went on after the timeout of a message";

/** `killedBecause` of a worker that would not let go of a message that an operator has cancelled. */
export const PAST_CANCEL = "it went on after an operator had cancelled a message";

export type Outcome =
  | { readonly kind: "returned"; readonly reply: Uint8Array | undefined }
  /** It was let pass unrun: by the handler's own filter, or for what `why` says. */
  | { readonly kind: "filtered"; readonly why?: string }
  /** `answer`: JSON that the author has thrown for whoever asked (nest-packet.ts). */
  | { readonly kind: "threw"; readonly error: SerializedError; readonly answer?: string }
  | { readonly kind: "gave-up"; readonly error: SerializedError }
  | { readonly kind: "retry-later"; readonly delayMs: number | undefined; readonly error: SerializedError }
  /** `key`: it is said of messages only that have it in common with this one. */
  | {
      readonly kind: "slow-down";
      readonly delayMs: number;
      readonly key?: MessageKey | undefined;
      readonly error: SerializedError;
    }
  | { readonly kind: "invalid"; readonly message: string; readonly issues: readonly SchemaIssue[] }
  | { readonly kind: "not-serializable"; readonly error: SerializedError }
  | {
      readonly kind: "timed-out";
      readonly timeoutMs: number;
      readonly blocked: boolean;
      readonly stack?: string;
      /** Its function had returned: the time is that of its lease. */
      readonly deferred?: true;
    }
  /** By an operator, while it ran: it is not run again. */
  | { readonly kind: "cancelled"; readonly by: string; readonly blocked: boolean; readonly stack?: string }
  | { readonly kind: "crashed"; readonly exit: WorkerExit }
  | { readonly kind: "out-of-memory"; readonly exit: WorkerExit }
  | { readonly kind: "too-many-hops"; readonly hops: number }
  | { readonly kind: "queue-full" }
  | { readonly kind: "given-back"; readonly why: string };

export type OutcomeKind = Outcome["kind"];

/** How a delivery ended that did not end well. */
export type Failure = Exclude<Outcome, { kind: "returned" | "filtered" }>;

export function isFailure(outcome: Outcome): outcome is Failure {
  return outcome.kind !== "returned" && outcome.kind !== "filtered";
}

/** Shared by every delivery that returned without a reply: most of them. */
export const RETURNED: Outcome = { kind: "returned", reply: undefined };

/** At a deadline, or when it is cancelled, it may have been killed. */
export function leavesWorkerAlive({ kind }: Outcome): boolean {
  return kind !== "crashed" && kind !== "out-of-memory" && kind !== "timed-out" && kind !== "cancelled";
}
