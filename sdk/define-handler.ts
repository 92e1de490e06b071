// Types for the function and the life-cycle exports of a handler file.

import type { BatchContext, HandlerContext, HandlerLog } from "./context.ts";
import type { PayloadOf } from "./define-event.ts";
import type { AnswerOf } from "./define-request.ts";
import type { HandlerMetadata } from "./metadata.ts";

/** Unknown options become an error at their key, even where the metadata was not written with `satisfies`. */
type OnlyKnown<Metadata> = { readonly [Key in Exclude<keyof Metadata, keyof HandlerMetadata>]: never };

/** What the function may give, where the metadata has a schema of the reply. */
type Returned<Metadata> = Metadata extends { readonly reply: object }
  ? AnswerOf<Metadata> | Promise<AnswerOf<Metadata>> | AsyncIterable<AnswerOf<Metadata>>
  : unknown;

/** Options beside which there are no batches. */
type NoBatch = { kind: "request" } | { concurrency: "one" } | { orderBy: unknown } | { schedule: object | string };

/** A combination that the runtime refuses becomes an error at `batch`. */
type Fitting<Metadata> = Metadata extends { batch: object } & NoBatch ? { readonly batch: never } : unknown;

/** What the function gets: the content, or those of a batch. */
type Given<Metadata> = Metadata extends { batch: object } ? PayloadOf<Metadata>[] : PayloadOf<Metadata>;
type ContextOf<Metadata> = Metadata extends { batch: object } ? BatchContext : HandlerContext;

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
