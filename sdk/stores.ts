// The buckets of JetStream, by way of the runtime: `ctx.kv` and `ctx.objects`.

import type { Duration } from "./duration.ts";

/** Which buckets a handler reads and writes, by name. */
export interface UsedBuckets {
  /** Of `ctx.kv`. Default none. */
  readonly kv?: readonly string[] | undefined;
  /** Of `ctx.objects`. Default none. */
  readonly objects?: readonly string[] | undefined;
}

export interface BucketOptions {
  /** Longest wait for each answer. Default: the handler's timeout. */
  readonly timeout?: Duration | undefined;
}

/** What is kept as it was given: bytes and strings as they are, `undefined` as nothing, anything else as JSON. */
export interface StoredContent {
  /** As it is stored. */
  readonly bytes: Uint8Array;
  /** As UTF-8. */
  text(): string;
  /** As JSON; its type is the caller's claim. Throws a SyntaxError for what is none. */
  json<Value = unknown>(): Value;
}

export interface KvEntry extends StoredContent {
  /** As it was written. */
  readonly key: string;
  /** For `update`: counts up with each change of the bucket. */
  readonly revision: number;
  /** When it was written, by the server's clock. */
  readonly writtenAt: Date;
}

/**
 * A bucket of JetStream's key-value store. What it is asked rejects with an Error that has a `code`: 400 a key that there cannot
 * be, 403 this NATS user may not, 404 no such bucket, 409 another has written since, 413 too large, 503, 504 and 507 not now: one that
 * nobody catches is not charged to the message, which comes again.
 */
export interface KvBucket {
  /** The latest value; undefined when there is none, or it was deleted. */
  get(key: string): Promise<KvEntry | undefined>;
  /** Resolves with its revision. */
  put(key: string, value: unknown): Promise<number>;
  /** As `put`, only where there is none: rejects with 409 otherwise. */
  create(key: string, value: unknown): Promise<number>;
  /** As `put`, only while it is at that revision: rejects with 409 otherwise. */
  update(key: string, value: unknown, revision: number): Promise<number>;
  /** Earlier values are kept, as far as the bucket keeps any. With `revision`: only while it is at that, else 409. */
  delete(key: string, options?: { readonly revision?: number | undefined }): Promise<void>;
  /** As `delete`, with its earlier values. */
  purge(key: string, options?: { readonly revision?: number | undefined }): Promise<void>;
  /** In no order; those of a filter such as `"user.*"`, by default all. Rejects with 413 for more than 100,000. */
  keys(filter?: string): Promise<readonly string[]>;
}

export interface ObjectSummary {
  /** As it was put. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** `"SHA-256=..."`. */
  readonly digest: string;
  /** When it was written, by the clock of who wrote it. */
  readonly writtenAt: Date;
}

export interface StoredObject extends ObjectSummary, StoredContent {}

/**
 * A bucket of JetStream's object store, for contents of up to 64 MB, which are held in memory as a whole. Rejects as `KvBucket`
 * does; 504 also when parts of an object are gone.
 */
export interface ObjectBucket {
  /** Undefined when there is none, or it was deleted. */
  get(name: string): Promise<StoredObject | undefined>;
  /** Resolves when it is there as a whole: until then readers get the one before. */
  put(name: string, content: unknown): Promise<ObjectSummary>;
  /** What there is to know without the content. */
  info(name: string): Promise<ObjectSummary | undefined>;
  /** Resolves with whether there was one. */
  delete(name: string): Promise<boolean>;
  /** In no order. Rejects with 413 for more than 10,000. */
  list(): Promise<readonly ObjectSummary[]>;
}
