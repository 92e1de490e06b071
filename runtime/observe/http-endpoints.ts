// The three paths that operators' tools ask for.

import type { Clock } from "../clock.ts";
import { toRuntimeError } from "../errors.ts";
import type { Emit } from "../events.ts";
import { healthOf, readinessOf, type Verdict } from "./health.ts";
import type { HttpServer } from "./http.ts";
import type { Metrics } from "./metrics.ts";
import type { RuntimeSource } from "./metrics-source.ts";

export interface EndpointsOptions {
  readonly source: RuntimeSource;
  readonly host: string;
  /** Without a port there is no server. */
  readonly port: number | undefined;
  readonly clock: Clock;
  readonly emit: Emit;
}

export interface Endpoints extends HttpServer {
  /** Begin what is measured between scrapes, such as the lag of the event loop; without it the first scrape begins it. */
  measure(): void;
}

/** Rejects as `startHttp` does. */
export async function startEndpoints(options: EndpointsOptions): Promise<Endpoints | undefined> {
  const { source, host, port, clock, emit } = options;
  if (port === undefined) return undefined;
  // Loaded only where they are wanted, and metrics not before: each takes its time.
  const { jsonAnswer, startHttp } = await import("./http.ts");
  let loading: Promise<Metrics> | undefined;
  const metrics = () => (loading ??= import("./metrics.ts").then(({ createMetrics }) => createMetrics(source, clock)));
  const answer = ({ ok, body }: Verdict) => jsonAnswer(ok ? 200 : 503, body);
  const server = await startHttp({
    host,
    port,
    emit,
    routes: {
      "/healthz": () => answer(healthOf(source, clock.monotonicMs())),
      "/readyz": () => answer(readinessOf(source, clock.monotonicMs())),
      "/metrics": async () => {
        const { contentType, render } = await metrics();
        return { status: 200, contentType, body: await render() };
      },
    },
  });
  emit({ type: "runtime.notice", level: "info", message: `health and metrics on ${server.url}` });
  return {
    ...server,
    measure() {
      metrics().catch((error: unknown) =>
        emit({ type: "runtime.notice", level: "error", message: toRuntimeError(error, "metrics").message }),
      );
    },
  };
}
