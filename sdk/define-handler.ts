// Types for the function and the life-cycle exports of a handler file.

import type { HandlerContext, HandlerLog } from "./context.ts";
import type { PayloadOf } from "./define-event.ts";
import type { AnswerOf } from "./define-request.ts";
import type { HandlerMetadata } from "./metadata.ts";

/** Unknown options become an error at their key, even where the metadata was not written with `satisfies`. */
type OnlyKnown<Metadata> = { readonly [Key in Exclude<keyof Metadata, keyof HandlerMetadata>]: never };

/** What the function may give, where the metadata has a schema of the reply. */
type Returned<Metadata> = Metadata extends { readonly reply: object }
  ? AnswerOf<Metadata> | Promise<AnswerOf<Metadata>> | AsyncIterable<AnswerOf<Metadata>>
  : unknown;

/**
 * The same function, its payload typed by the metadata's schema (`unknown` without one).
 *
 * A `request` handler replies with what it returns, or streams what it yields when it is an async generator; the
 * result of an `event` or `durable` handler is awaited and not used. With a schema of the `reply`, what is returned or
 * yielded must be its input.
 */
export function defineHandler<const Metadata extends HandlerMetadata, Result extends Returned<Metadata>>(
  _metadata: Metadata & OnlyKnown<Metadata>,
  handle: (event: PayloadOf<Metadata>, ctx: HandlerContext) => Result,
): (event: PayloadOf<Metadata>, ctx: HandlerContext) => Result {
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
