// OpenTelemetry in the worker, for an author who registers it there: the handler runs in the context of its message, so
// that the author's spans lie below that of the run, and what is published within one of them below that.
//
// What is registered is read from where every copy of the API keeps it, instead of through a copy of our own: a worker
// without OpenTelemetry loads nothing and is asked once.

import type { Context, ContextManager, TextMapGetter, TextMapPropagator } from "@opentelemetry/api";
import { ReceivedHeaders } from "./headers.ts";
import type { HandlerFunction } from "./load.ts";

export interface OwnTelemetry {
  /** The handler, run in the context of its message. */
  around(handler: HandlerFunction): HandlerFunction;
  /** The context that is active, as the headers of a message. */
  current(): ReceivedHeaders;
}

/** Of the API's versions 1. */
const REGISTERED = Symbol.for("opentelemetry.js.api.1");

interface Registered {
  readonly context?: ContextManager;
  readonly propagation?: TextMapPropagator;
}

/** Undefined where the author has registered no context manager or no propagator. To be asked after `setup`. */
export function ownTelemetry(): OwnTelemetry | undefined {
  const { context, propagation } = (globalThis as { [REGISTERED]?: Registered })[REGISTERED] ?? {};
  if (context === undefined || propagation === undefined) return undefined;
  const contextOf = (message: { readonly headers: ReceivedHeaders }): Context =>
    propagation.extract(context.active(), message.headers, GETTER);
  return {
    around: (handler) => (payload, message) =>
      context.with(contextOf(message as { headers: ReceivedHeaders }), handler, undefined, payload, message),
    current() {
      const pairs: [string, string][] = [];
      propagation.inject(context.active(), pairs, { set: (into, name, value) => void into.push([name, value]) });
      return new ReceivedHeaders(pairs);
    },
  };
}

const GETTER: TextMapGetter<ReceivedHeaders> = {
  keys: (headers) => [...headers].map(([name]) => name),
  get: (headers, name) => (headers.has(name) ? headers.getAll(name) : undefined),
};
