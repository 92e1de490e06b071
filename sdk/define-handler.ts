// Types for the function and the life-cycle exports of a handler file.

import type { BatchContext, ChangeContext, HandlerContext, HandlerLog } from "./context.ts";
import type { PayloadOf } from "./define-event.ts";
import type { AnswerOf } from "./define-request.ts";
import type { HandlerMetadata, ObjectAbout } from "./metadata.ts";

/** Unknown options become an error at their key, even where the metadata was not written with `satisfies`. */
type OnlyKnown<Metadata> = { readonly [Key in Exclude<keyof Metadata, keyof HandlerMetadata>]: never };

/** What the function may give, where the metadata has a schema of the reply. */
type Returned<Metadata> = Metadata extends { readonly reply: object }
  ? AnswerOf<Metadata> | Promise<AnswerOf<Metadata>> | AsyncIterable<AnswerOf<Metadata>>
  : unknown;

/** Options beside which there are no batches. */
type NoBatch = { kind: "request" } | { concurrency: "one" } | { orderBy: unknown } | { schedule: object | string };

/** Options beside which each message is run. */
type NoThrottle = { kind: "event" | "request" } | { when: unknown } | { debounce: object };
type NoDebounce =
  | { kind: "event" | "request" }
  | { when: unknown }
  | { throttle: object }
  | { orderBy: unknown }
  | { concurrency: "one" }
  | { schedule: object | string };

/** Options beside which not every replica has each message. */
type NoEach =
  | { singleton: true }
  | { concurrency: "one" }
  | { orderBy: { wildcard: number } | { header: string } | { field: string } }
  | { debounce: object }
  | { throttle: object }
  | { schedule: object | string }
  | { canary: number | object };

/** Options beside which what a run publishes is not stored as one. */
type NoAtomic = { kind: "event" | "request" } | { batch: object } | { replicas: "each" } | { domain: string };

/** Options beside which there are no changes of buckets. */
type NoChanges =
  | { stream: string }
  | { schedule: object | string }
  | { envelope: "nest" }
  | { reply: object }
  | { orderBy: { wildcard: number } };

/** A combination that the runtime refuses becomes an error at the option named here. */
type Fitting<Metadata> = (Metadata extends { batch: object } & NoBatch ? { readonly batch: never } : unknown) &
  (Metadata extends { debounce: object } & NoDebounce ? { readonly debounce: never } : unknown) &
  (Metadata extends { kind: "durable"; replicas: "each" } & NoEach ? { readonly replicas: never } : unknown) &
  (Metadata extends { outputs: "atomic" } & NoAtomic ? { readonly outputs: never } : unknown) &
  (Metadata extends { kind: "event" | "request"; singleton: true } ? { readonly singleton: never } : unknown) &
  (Metadata extends { throttle: object } & NoThrottle ? { readonly throttle: never } : unknown) &
  (Metadata extends { kv: string } & NoChanges ? { readonly kv: never } : unknown) &
  (Metadata extends { objects: string } & (NoChanges | { payload: "bytes" | object })
    ? { readonly objects: never }
    : unknown);

/** What a message holds: of a change nothing where it says that something is gone. */
type ContentOf<Metadata> = Metadata extends { objects: string }
  ? (Metadata extends { schema: object } ? PayloadOf<Metadata> : ObjectAbout) | undefined
  : Metadata extends { kv: string }
    ? PayloadOf<Metadata> | undefined
    : PayloadOf<Metadata>;
type MessageContextOf<Metadata> = Metadata extends { kv: string } | { objects: string }
  ? ChangeContext
  : HandlerContext;

/** What the function gets: the content, or those of a batch. */
type Given<Metadata> = Metadata extends { batch: object } ? ContentOf<Metadata>[] : ContentOf<Metadata>;
type ContextOf<Metadata> = Metadata extends { batch: object }
  ? BatchContext<MessageContextOf<Metadata>>
  : MessageContextOf<Metadata>;

/**
 * The same function, its payload typed by the metadata's schema (`unknown` without one); with `batch` an array of these.
 *
 * A `request` handler replies with what it returns, or streams what it yields when it is an async generator; the
 * result of an `event` or `durable` handler is awaited and not used. With a schema of the `reply`, what is returned or
 * yielded must be its input.
 */
export function defineHandler<const Metadata extends HandlerMetadata, Result extends Returned<Metadata>>(
  _metadata: Metadata & OnlyKnown<Metadata> & Fitting<Metadata>,
  handle: (event: Given<Metadata>, ctx: ContextOf<Metadata>) => Result,
): (event: Given<Metadata>, ctx: ContextOf<Metadata>) => Result {
  return handle;
}

export interface LifecycleContext {
  /** The handler's name. */
  readonly handler: string;
  /** Aborts when the time for it is up. */
  readonly signal: AbortSignal;
  /** The runtime's log. */
  readonly log: HandlerLog;
}

/** `export const setup: Setup`: runs once per generation, before the first message. A throw keeps the generation from serving. */
export type Setup = (context: LifecycleContext) => unknown;

/** `export const teardown: Teardown`: runs once, after the generation's last message is settled. */
export type Teardown = (context: LifecycleContext) => unknown;
