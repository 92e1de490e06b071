// What a handler publishes belongs to the trace it was called in: the headers that say so.
//
// The parent stays as it came in: it is the span of whoever published, or of this run where the supervisor makes spans.
// An id made up here would be a parent that nobody has recorded.

import { traceIdOf } from "../message/trace-context.ts";
import type { ReceivedHeaders } from "./headers.ts";

/** @param own what the author gives: it wins, and another trace does not get the state of this one */
export function* traceHeaders(from: ReceivedHeaders, own: object): Generator<[string, string]> {
  const given = new Set(Object.keys(own).map((name) => name.toLowerCase()));
  const parent = from.get("traceparent");
  if (traceIdOf(parent) !== undefined && !given.has("traceparent")) {
    yield ["traceparent", parent!];
    if (!given.has("tracestate")) yield* all(from, "tracestate");
  }
  if (!given.has("baggage")) yield* all(from, "baggage");
}

function* all(from: ReceivedHeaders, name: string): Generator<[string, string]> {
  for (const value of from.getAll(name)) yield [name, value];
}
