// What a handler's exported `metadata` means once checked and filled in with the defaults: no field is optional.

export type HandlerKind = "event" | "durable" | "request";

export interface ResolvedMetadata {
  readonly kind: HandlerKind;
  readonly subject: string;
  readonly description: string;
  readonly hasSchema: boolean;
  /** Messages running at the same time in one replica, 1 to 10,000. */
  readonly concurrency: number;
  /** From hand-over to outcome. */
  readonly timeoutMs: number;
  readonly retry: RetryDefaults;
  /** Messages older than this are given up on unrun; 0: never. Durable only. */
  readonly expiresMs: number;
  /** Whether `orderBy` was given. Durable only. */
  readonly ordered: boolean;
  /** Subjects it publishes and requests, as far as it says so. */
  readonly publishes: readonly string[];
  /** Heap limit of the worker. */
  readonly memoryMiB: number;
  /** Names of environment variables passed to the worker beside the safe base. */
  readonly env: readonly string[];
  /** Idle time after which the worker is given up; 0: never. */
  readonly idleMs: number;
  readonly minWorkers: number;
  /** When workers are replaced by fresh ones; 0: never. */
  readonly recycle: { readonly messages: number; readonly ageMs: number };
  /** Processes per replica. */
  readonly workers: number;
  /** Most messages and bytes waiting in the supervisor. */
  readonly maxQueued: number;
  readonly maxQueuedBytes: number;
  readonly disabled: boolean;
}

export interface RetryDefaults {
  /** Runs in all, the first included. */
  readonly attempts: number;
  /** Wait before run 2, 3, ...; the last one repeats. Never empty. */
  readonly backoffMs: readonly number[];
}

/** What a handler gets for each option its metadata does not state: made by `config`, handed to `parseMetadata`. */
export type HandlerDefaults = Omit<ResolvedMetadata, "subject" | "hasSchema" | "ordered" | "publishes">;
