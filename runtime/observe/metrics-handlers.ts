// The series of each handler.

import type { Family, Snapshot } from "./metrics-family.ts";
import type { HandlerReading, HistogramReading } from "./metrics-source.ts";
import { labelText, type Sample } from "./metrics-text.ts";

type One = (handler: HandlerReading, snapshot: Snapshot) => number | undefined;
type Several = (handler: HandlerReading) => Readonly<Record<string, number>>;

const MS_PER_SECOND = 1_000;

export const HANDLER_FAMILIES: readonly Family[] = [
  {
    name: "handlers_handler_info",
    help: "1; the labels say what the handler is and which version serves",
    type: "gauge",
    read: ({ handlers }) =>
      handlers.map(({ status: { name, file, kind = "", subject = "", version = "" } }) => ({
        suffix: "",
        labels: labelText({ handler: name, kind, subject, version, file }),
        value: 1,
      })),
  },
  several("gauge", "handlers_handler_state", "1 for the state that the handler is in", "state", ({ status }) => ({
    [status.state]: 1,
  })),
  several(
    "gauge",
    "handlers_stuck",
    "1 while messages do not reach a handler that is bound, by what keeps them",
    "reason",
    ({ status }) => Object.fromEntries(status.holds.map(({ reason }) => [reason, 1])),
  ),
  one(
    "gauge",
    "handlers_rolled_back",
    "1 while an operator has a version of before serve, in place of the replica's own",
    ({ status }) => (status.rollback === undefined ? 0 : 1),
  ),
  several(
    "counter",
    "handlers_deliveries_total",
    "Deliveries that have ended, by outcome",
    "outcome",
    ({ stats }) => stats.outcomes,
  ),
  histogram(
    "handlers_delivery_duration_seconds",
    "From the start of a delivery to its end; of those that ran",
    ({ stats }) => stats.durations,
  ),
  histogram(
    "handlers_delivery_queue_seconds",
    "From the arrival of a delivery to its start; of those that ran",
    ({ stats }) => stats.waits,
  ),
  one("gauge", "handlers_deliveries_in_flight", "Handed to a worker, not yet settled", ({ status }) => status.inFlight),
  one("gauge", "handlers_deliveries_queued", "Waiting in this replica", ({ status }) => status.queued),
  one(
    "gauge",
    "handlers_pending_messages",
    "Messages of its stream that a durable handler has not settled; the same in every replica",
    ({ status }, { pending }) => pending.get(status.name),
  ),
  one(
    "counter",
    "handlers_redeliveries_total",
    "Deliveries that were not the first attempt",
    ({ stats }) => stats.redeliveries,
  ),
  one("counter", "handlers_dead_letters_total", "Dead letters stored", ({ stats }) => stats.deadLetters),
  several(
    "counter",
    "handlers_planned_times_total",
    "Planned times of a schedule that this replica saw to, by what became of them",
    "became",
    ({ status, stats }) => (status.schedule === undefined ? {} : stats.plannedTimes),
  ),
  {
    name: "handlers_canary_messages",
    help: "What a version that is tried, and the one before, have handled since, by outcome",
    type: "gauge",
    read: ({ handlers }) => handlers.flatMap(canarySamples),
  },
  one("counter", "handlers_reloads_total", "Versions that replaced another", ({ stats }) => stats.reloads),
  several(
    "counter",
    "handlers_worker_restarts_total",
    "Workers that ended unasked and are started again, by why they ended",
    "reason",
    ({ stats }) => stats.lostWorkers,
  ),
  one("counter", "handlers_cold_starts_total", "Idle handlers woken by a message", ({ stats }) => stats.coldStarts),
  one(
    "counter",
    "handlers_cold_start_seconds_total",
    "Time that waking took, all together",
    ({ stats }) => stats.coldStartMs / MS_PER_SECOND,
  ),
  one("gauge", "handlers_workers", "Worker processes", ({ status }) => status.pids.length),
  one(
    "gauge",
    "handlers_worker_memory_bytes",
    "Resident memory of the workers",
    ({ status }, { workers }) => workers.get(status.name)?.memoryBytes,
  ),
  one(
    "counter",
    "handlers_worker_cpu_seconds_total",
    "CPU time of the workers, past ones as far as a scrape saw it",
    ({ status }, { workers }) => workers.get(status.name)?.cpuSeconds,
  ),
];

function one(type: "counter" | "gauge", name: string, help: string, value: One): Family {
  return {
    name,
    help,
    type,
    read: (snapshot) =>
      snapshot.handlers.flatMap((handler) => {
        const found = value(handler, snapshot);
        return found === undefined ? [] : [{ suffix: "", labels: handlerLabel(handler), value: found }];
      }),
  };
}

/** @param label its values need no escaping: they are ours */
function several(type: "counter" | "gauge", name: string, help: string, label: string, values: Several): Family {
  return {
    name,
    help,
    type,
    read: ({ handlers }) =>
      handlers.flatMap((handler) =>
        Object.entries(values(handler)).map(([key, value]) => ({
          suffix: "",
          labels: `${handlerLabel(handler)},${label}="${key}"`,
          value,
        })),
      ),
  };
}

function canarySamples({ status: { name: handler, version: serves = "", canary } }: HandlerReading): Sample[] {
  if (canary === undefined) return [];
  const versions = [[canary.version, canary.own] as const, [serves, canary.before] as const];
  return versions.flatMap(([version, { handled, failed }]) =>
    Object.entries({ returned: handled - failed, failed }).map(([outcome, value]) => ({
      suffix: "",
      labels: labelText({ handler, version, outcome }),
      value,
    })),
  );
}

function histogram(name: string, help: string, reading: (handler: HandlerReading) => HistogramReading): Family {
  return {
    name,
    help,
    type: "histogram",
    read: ({ handlers }) => handlers.flatMap((handler) => series(handlerLabel(handler), reading(handler))),
  };
}

function handlerLabel({ status }: HandlerReading): string {
  return labelText({ handler: status.name });
}

function series(labels: string, { boundsMs, counts, sumMs }: HistogramReading): Sample[] {
  const buckets: Sample[] = [];
  let count = 0;
  for (let at = 0; at < counts.length; at++) {
    count += counts[at]!;
    const bound = boundsMs[at];
    const le = bound === undefined ? "+Inf" : bound / MS_PER_SECOND;
    buckets.push({ suffix: "_bucket", labels: `${labels},le="${le}"`, value: count });
  }
  if (count === 0) return [];
  return [
    ...buckets,
    { suffix: "_sum", labels, value: sumMs / MS_PER_SECOND },
    { suffix: "_count", labels, value: count },
  ];
}
