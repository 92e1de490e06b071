// `/metrics`, in Prometheus' text format. Nothing is counted here: each scrape reads the counters that the handlers keep
// anyway, so a message costs the same whether anybody looks or not. Of this process prom-client tells what it always does.
//
// M1  All series of one scrape are read in the same turn, so they agree with each other.
// M2  Every outcome and every reason is there from the start, as 0, so that the first failure is an increase. Histograms
//     come with the first delivery: a thousand idle handlers are not to cost forty thousand lines.

import { collectDefaultMetrics, Registry } from "prom-client";
import { type Clock, within } from "../clock.ts";
import { readinessOf } from "./health.ts";
import type { Family, Snapshot } from "./metrics-family.ts";
import { HANDLER_FAMILIES } from "./metrics-handlers.ts";
import type { RuntimeSource } from "./metrics-source.ts";
import { familyText, labelText, type Sample } from "./metrics-text.ts";
import { WorkerUsageReader } from "./metrics-workers.ts";

export interface Metrics {
  readonly contentType: string;
  render(): Promise<string>;
}

const PENDING_MS = 1_000;

export function createMetrics(source: RuntimeSource, clock: Clock): Metrics {
  const registry = new Registry();
  const usage = new WorkerUsageReader();
  collectDefaultMetrics({ register: registry });
  return {
    contentType: registry.contentType,
    async render() {
      const pending = await pendingOf(source, clock);
      const process = await registry.metrics();
      // M1: no await from here on.
      const handlers = source.handlers();
      const { app, instance: replica, version } = source;
      const snapshot: Snapshot = {
        handlers,
        workers: usage.read(handlers),
        pending,
        nats: source.nats(),
        ready: readinessOf(source, clock.monotonicMs()).ok,
        about: { app, replica, version },
      };
      const families = [...RUNTIME_FAMILIES, ...HANDLER_FAMILIES];
      return families.map((family) => familyText(family, family.read(snapshot))).join("") + process;
    },
  };
}

const RUNTIME_FAMILIES: readonly Family[] = [
  {
    name: "handlers_runtime_info",
    help: "1; the labels say which app, which replica and which version of the app this is",
    type: "gauge",
    read: ({ about }) => [{ suffix: "", labels: labelText(about), value: 1 }],
  },
  {
    name: "handlers_ready",
    help: "1 while /readyz says yes",
    type: "gauge",
    read: ({ ready }) => plain(ready ? 1 : 0),
  },
  {
    name: "handlers_nats_connected",
    help: "1 while connected to NATS",
    type: "gauge",
    read: ({ nats }) => plain(nats.kind === "connected" ? 1 : 0),
  },
  {
    name: "handlers_nats_reconnects_total",
    help: "How often the connection to NATS was lost and came back",
    type: "counter",
    read: ({ nats }) => plain(nats.kind === "connecting" ? 0 : nats.reconnects),
  },
];

function plain(value: number): Sample[] {
  return [{ suffix: "", labels: "", value }];
}

/** Whoever scrapes waits for all the rest too: what the server does not tell soon is left out. */
async function pendingOf(source: RuntimeSource, clock: Clock): Promise<ReadonlyMap<string, number>> {
  const durable = source.handlers().flatMap(({ status }) => (status.kind === "durable" ? [status] : []));
  if (durable.length === 0 || source.nats().kind !== "connected") return new Map();
  const known = await within(clock, PENDING_MS, source.pending(durable));
  return known === "expired" ? new Map() : known;
}
