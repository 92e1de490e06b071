// The three paths that operators' tools ask for.

import type { Clock } from "../clock.ts";
import type { Emit } from "../events.ts";
import { healthOf, readinessOf, type Verdict } from "./health.ts";
import { type HttpServer, jsonAnswer, startHttp } from "./http.ts";
import type { RuntimeSource } from "./metrics-source.ts";

export interface EndpointsOptions {
  readonly source: RuntimeSource;
  readonly host: string;
  /** Without a port there is no server. */
  readonly port: number | undefined;
  readonly clock: Clock;
  readonly emit: Emit;
}

/** Rejects as `startHttp` does. */
export async function startEndpoints(options: EndpointsOptions): Promise<HttpServer | undefined> {
  const { source, host, port, clock, emit } = options;
  if (port === undefined) return undefined;
  // Loaded only where it is wanted: it takes its time.
  const { createMetrics } = await import("./metrics.ts");
  const metrics = createMetrics(source, clock);
  const server = await startHttp({
    host,
    port,
    emit,
    routes: {
      "/healthz": () => answer(healthOf(source, clock.monotonicMs())),
      "/readyz": () => answer(readinessOf(source, clock.monotonicMs())),
      "/metrics": async () => ({ status: 200, contentType: metrics.contentType, body: await metrics.render() }),
    },
  });
  emit({ type: "runtime.notice", level: "info", message: `health and metrics on ${server.url}` });
  return server;
}

function answer({ ok, body }: Verdict) {
  return jsonAnswer(ok ? 200 : 503, body);
}
