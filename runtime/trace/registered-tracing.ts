// The tracer of the provider that the user has registered, and what is made with it. The only way in to the API package.

import { propagation, type Tracer, type TracerProvider, trace } from "@opentelemetry/api";
import type { Emit } from "../events.ts";
import type { Call } from "../message/handler-call.ts";
import { inCallSpan } from "./call-span.ts";
import { RunSpans } from "./run-spans.ts";

export interface Tracing {
  /** Of the deliveries that are run. */
  readonly runs: RunSpans;
  /** The call, in a span of its own. */
  around(call: Call): Call;
  /** Have what is still held exported. Rejects when that fails. */
  flush(): Promise<void>;
}

/** The API hands out a stand-in for the provider, which knows whether there is one. */
interface StandIn {
  getDelegateTracer(name: string): Tracer | undefined;
  getDelegate(): TracerProvider;
}
type Flushing = TracerProvider & { forceFlush?(): Promise<void> };

const NAME = "nats-handlers";

export function registeredTracing(emit: Emit): Tracing | undefined {
  const found = trace.getTracerProvider() as TracerProvider & Partial<StandIn>;
  const tracer = found.getDelegateTracer === undefined ? found.getTracer(NAME) : found.getDelegateTracer(NAME);
  if (tracer === undefined) return undefined;
  const provider: Flushing = found.getDelegate?.() ?? found;
  emit({
    type: "runtime.notice",
    level: "info",
    message: "tracing: spans go to the tracer provider that is registered",
  });
  if (propagation.fields().length === 0) {
    const message =
      "tracing: no propagator is registered, so every span begins a trace of its own. Register one: `provider.register()` does, or `propagation.setGlobalPropagator(new W3CTraceContextPropagator())`";
    emit({ type: "runtime.notice", level: "warn", message });
  }
  return {
    runs: new RunSpans(tracer),
    around: (call) => inCallSpan(tracer, call),
    flush: async () => provider.forceFlush?.(),
  };
}
