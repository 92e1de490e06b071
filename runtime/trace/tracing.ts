// OpenTelemetry spans of what the runtime does, for whoever has registered a tracer provider in this process before it
// starts (`node --import`). Whether there is one is found out once: without it nothing here is loaded, and no message is
// asked about it.

import { type Clock, within } from "../clock.ts";
import type { CallAnswer, HandlerCall } from "../deliver/handler-call.ts";
import type { Emit } from "../events.ts";
import type { RunSpans } from "./run-spans.ts";

export type Call = (call: HandlerCall) => Promise<CallAnswer>;

export interface Tracing {
  /** Of the deliveries that are run. */
  readonly runs: RunSpans;
  /** The call, in a span of its own. */
  around(call: Call): Call;
  /** Have what is still held exported. Rejects when that fails. */
  flush(): Promise<void>;
}

export type StartedTracing = Omit<Tracing, "flush"> & {
  /** Export what is held. Never rejects. */
  close(): Promise<void>;
};

export interface TracingOptions {
  readonly clock: Clock;
  readonly emit: Emit;
}

/** Where every copy of the API, of whatever version 1, keeps what is registered. */
const REGISTERED = Symbol.for("opentelemetry.js.api.1");
const FLUSH_MS = 3_000;

/** Undefined where no tracer provider is registered. */
export async function startTracing({ clock, emit }: TracingOptions): Promise<StartedTracing | undefined> {
  if (!(REGISTERED in globalThis)) return undefined;
  const { registeredTracing } = await import("./registered-tracing.ts");
  const tracing = registeredTracing(emit);
  if (tracing === undefined) return undefined;
  const { runs, around } = tracing;
  const warn = (why: string) =>
    emit({ type: "runtime.notice", level: "warn", message: `tracing: the last spans may be lost: ${why}` });
  return {
    runs,
    around,
    async close(): Promise<void> {
      const flushed = await within(clock, FLUSH_MS, tracing.flush()).catch(reason);
      if (flushed === "expired") warn(`they were not exported within ${FLUSH_MS} ms`);
      else if (flushed !== undefined) warn(flushed);
    },
  };
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
