// What a handler's exported `metadata` means once checked and filled in with the defaults: no field is optional.

import type { Contract } from "./contract.ts";
import type { PlannedTimes } from "./planned-times.ts";

export type HandlerKind = "event" | "durable" | "request";

/** In what its messages are wrapped: in nothing, or in the packets of NestJS's NATS transport. */
export type Envelope = "none" | "nest";

/** A bucket of NATS's own stores. */
export interface Store {
  readonly kind: "kv" | "objects";
  readonly bucket: string;
}

export interface ResolvedMetadata {
  readonly kind: HandlerKind;
  /** At least one; no message fits two of them. */
  readonly subjects: readonly string[];
  /** What it takes are the changes of this store, by `subjects` and `stream`; undefined: messages. Durable only. */
  readonly store?: Store | undefined;
  /** The stream to take from, where the subject does not tell; undefined: the one that takes the subject. Durable only. */
  readonly stream?: string | undefined;
  /** Of the JetStream that has the stream; undefined: that of the account. Durable only. */
  readonly domain?: string | undefined;
  /** Where it begins when it meets its stream for the first time. Durable only. */
  readonly from: StartFrom;
  /** When it runs by itself; undefined: when somebody publishes. Not of requests. */
  readonly schedule?: Schedule | undefined;
  readonly description: string;
  readonly hasSchema: boolean;
  readonly payload: "json" | "bytes" | "codec";
  readonly envelope: Envelope;
  /** Whether the handler is a generator, each value of which is a reply. Request only; told by what it exports. */
  readonly streamsReply: boolean;
  /** Messages running at the same time in one replica, 1 to 10,000; batches, where it takes these. */
  readonly concurrency: number;
  /** The function is given several messages at a time; undefined: one. Not of requests. */
  readonly batch?: BatchRule | undefined;
  /** One message at a time over all replicas, in the order of the stream; `concurrency` is 1 then. Durable only. */
  readonly oneAtATime: boolean;
  /** One replica runs it, until that is gone. Durable only. */
  readonly singleton: boolean;
  /** Of the messages of a key the last one is run, once no further one comes; undefined: each is. Durable only. */
  readonly debounce?: DebounceRule | undefined;
  /** Of the messages of a key the first one of a time is run; undefined: each is. Durable only. */
  readonly throttle?: ThrottleRule | undefined;
  /** So many begin in so long, evenly; undefined: as fast as they can. Not of requests. */
  readonly rate?: RateRule | undefined;
  /** Messages of different keys take turns; undefined: they begin in the order in which they come. Not of requests. */
  readonly fairBy?: FairRule | undefined;
  /** Every replica has every message, instead of one of them. Not of requests. */
  readonly everyReplica: boolean;
  /** From hand-over to outcome. */
  readonly timeoutMs: number;
  readonly retry: RetryDefaults;
  /** Messages older than this are given up on unrun; 0: never. Durable only. */
  readonly expiresMs: number;
  /** Whether `when` was given: it may let messages pass unrun. Not of requests. */
  readonly filters: boolean;
  /** Whether `orderBy` is a function: an order within a replica. Durable only. */
  readonly ordered: boolean;
  /** An order over all replicas; undefined: none. Durable only, of one subject. */
  readonly fleetOrder?: FleetOrder | undefined;
  /** What a run publishes: each message for itself, or all of them as one, and once. "atomic" is durable only. */
  readonly outputs: "each" | "atomic";
  /** Subjects it publishes and requests, as far as it says so. */
  readonly publishes: readonly string[];
  /** Headers that go on from a message to what its handler publishes and requests; in small letters. */
  readonly propagate: readonly string[];
  /** Buckets it reads and writes. */
  readonly uses: Uses;
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
  /** Shares its process with the handlers that name the same one; undefined: with nobody. */
  readonly group?: string | undefined;
  /** Whether a version must have ended before the next is set up. */
  readonly exclusive: boolean;
  /** A new version is tried on a part of the messages before it has all; undefined: it has all at once. Not of events. */
  readonly canary?: CanaryRule | undefined;
  /** Most messages and bytes waiting in the supervisor. */
  readonly maxQueued: number;
  readonly maxQueuedBytes: number;
  readonly disabled: boolean;
  /** Only where it was asked for. */
  readonly contract?: Contract | undefined;
}

export interface CanaryRule {
  /** Of the messages, 1 to 50. */
  readonly percent: number;
  /** So many the new version must have handled before it has all. */
  readonly messages: number;
  /** By so many percentage points its failure rate may be above that of the version before. */
  readonly tolerance: number;
}

export interface Uses {
  readonly kv: readonly string[];
  readonly objects: readonly string[];
}

export interface Rate {
  readonly count: number;
  readonly everyMs: number;
}

export interface RateRule extends Rate {
  /** Where they are counted together. */
  readonly per: "replica" | "fleet";
  /** Each key has the rate for itself; undefined: all messages together. */
  readonly key?: MessageKey | undefined;
}

export interface FairRule {
  readonly key: MessageKey;
  /** So many of a key run at a time in one replica; undefined: as many as there is room for. */
  readonly concurrency?: number | undefined;
}

/** What messages have in common that belong together. Exactly as it is written. */
export type MessageKey =
  /** Which wildcard of the subject, from 0 on. */
  | { readonly wildcard: number }
  | { readonly header: string }
  /** Names with dots between them. */
  | { readonly field: string };

export type StartFrom =
  | { readonly kind: "all" }
  | { readonly kind: "new" }
  /** With the last message of each subject, then with what is stored. */
  | { readonly kind: "last" }
  /** Milliseconds since the Unix epoch. */
  | { readonly kind: "time"; readonly atMs: number }
  /** A number of the stream; said by no metadata. */
  | { readonly kind: "sequence"; readonly sequence: number };

/** What becomes of planned times at which nobody was there. */
export type Missed = "skip" | "once" | "all";

export interface Schedule {
  readonly times: PlannedTimes;
  readonly missed: Missed;
  /** What is published at each time, encoded; "" for an empty message. */
  readonly payload: string;
}

export interface BatchRule {
  /** Most messages in one, 1 to 1,000. */
  readonly size: number;
  /** How long a message waits for others to join it. */
  readonly waitMs: number;
  /** Only messages that have it in common are in one; undefined: all may be. */
  readonly key?: MessageKey | undefined;
}

export interface DebounceRule {
  /** For so long no further one has come. */
  readonly waitMs: number;
  /** It is run so long after the first of them at the latest; undefined: not while others come. */
  readonly maxMs?: number | undefined;
  /** Undefined: all have one in common. */
  readonly key?: MessageKey | undefined;
}

export interface ThrottleRule {
  /** Between two that are run. */
  readonly everyMs: number;
  /** Undefined: all have one in common. */
  readonly key?: MessageKey | undefined;
}

/** Messages that have the key in common run one after another, over all replicas. */
export type FleetOrder = MessageKey & {
  /** So many keys at most run at a time: each key belongs to one of them. */
  readonly partitions: number;
};

export interface RetryDefaults {
  /** Runs in all, the first included. */
  readonly attempts: number;
  /** Wait before run 2, 3, ...; the last one repeats. Never empty. */
  readonly backoffMs: readonly number[];
}

/** What a handler gets for each option its metadata does not state: made by `config`, handed to `parseMetadata`. */
export type HandlerDefaults = Omit<
  ResolvedMetadata,
  | "subjects"
  | "store"
  | "stream"
  | "domain"
  | "schedule"
  | "hasSchema"
  | "payload"
  | "streamsReply"
  | "batch"
  | "canary"
  | "debounce"
  | "throttle"
  | "group"
  | "filters"
  | "ordered"
  | "oneAtATime"
  | "rate"
  | "singleton"
  | "fairBy"
  | "from"
  | "everyReplica"
  | "exclusive"
  | "outputs"
  | "publishes"
  | "uses"
  | "contract"
>;
