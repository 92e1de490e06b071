// OpenTelemetry spans of what the runtime does, for whoever has registered a tracer provider in this process before it
// starts (`node --import`). Whether there is one is found out once: without it nothing here is loaded, and no message is
// asked about it.

import { type Clock, within } from "../clock.ts";
import type { Emit } from "../events.ts";
import type { Tracing } from "./registered-tracing.ts";

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
  const registered = (globalThis as { [REGISTERED]?: { version: string; trace?: unknown } })[REGISTERED];
  if (registered?.trace === undefined) return undefined;
  const warn = (message: string) => emit({ type: "runtime.notice", level: "warn", message: `tracing: ${message}` });
  const loaded = await import("./registered-tracing.ts").catch(reason);
  if (typeof loaded === "string") {
    warn(
      `there are no spans: a tracer provider is registered, but @opentelemetry/api cannot be loaded (${loaded}). Install it beside nats-handlers`,
    );
    return undefined;
  }
  const { registeredTracing } = loaded;
  const tracing = registeredTracing(emit);
  if (tracing === undefined) {
    warn(
      `there are no spans: the tracer provider is registered through @opentelemetry/api ${registered.version}, which the runtime's newer copy does not read. Update it`,
    );
    return undefined;
  }
  const { runs, around } = tracing;
  const lost = (why: string) => warn(`the last spans may be lost: ${why}`);
  return {
    runs,
    around,
    async close(): Promise<void> {
      const flushed = await within(clock, FLUSH_MS, tracing.flush()).catch(reason);
      if (flushed === "expired") lost(`they were not exported within ${FLUSH_MS} ms`);
      else if (flushed !== undefined) lost(flushed);
    },
  };
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
