// What we hold ourselves to, in one table: `npm run bench numbers` prints it with what was measured. Ratios are to the raw
// client in the same run; nothing else here depends on the machine's speed alone.

export interface Threshold {
  readonly what: string;
  readonly better: "higher" | "lower";
  readonly bar: number;
  readonly beyond: number;
  /** "": a ratio. */
  readonly unit: "" | "ms" | "s" | "MiB" | "messages";
}

export const THRESHOLDS = {
  eventRate: { what: "events/s of one isolated handler, of raw", better: "higher", bar: 0.8, beyond: 1, unit: "" },
  eventCpu: {
    what: "CPU per event, supervisor and worker, of raw",
    better: "lower",
    bar: 1.3,
    beyond: 1.15,
    unit: "",
  },
  publishRate: {
    what: "messages/s where each has one published, awaited, of raw",
    better: "higher",
    bar: 0.5,
    beyond: 0.8,
    unit: "",
  },
  publishCpu: {
    what: "CPU of a message that has one published, of raw",
    better: "lower",
    bar: 2.4,
    beyond: 2,
    unit: "",
  },
  requestP50: {
    what: "request p50, one at a time, of raw",
    better: "lower",
    bar: 1.35,
    beyond: 1.2,
    unit: "",
  },
  durableRate: {
    what: "durable messages/s, 256 at once, of raw",
    better: "higher",
    bar: 0.7,
    beyond: 1,
    unit: "",
  },
  reloadP50: { what: "save-to-live under 2,000 messages/s, p50", better: "lower", bar: 50, beyond: 20, unit: "ms" },
  reloadP95: { what: "save-to-live under 2,000 messages/s, p95", better: "lower", bar: 120, beyond: 50, unit: "ms" },
  reloadLost: { what: "messages lost by these saves", better: "lower", bar: 0, beyond: 0, unit: "messages" },
  coldP95: { what: "first answer of an idle handler, p95", better: "lower", bar: 50, beyond: 20, unit: "ms" },
  coldBuiltP95: { what: "the same from a build, p95", better: "lower", bar: 50, beyond: 20, unit: "ms" },
  neighbourP99: {
    what: "a neighbour's p99 beside the worst fault, of quiet",
    better: "lower",
    bar: 2,
    beyond: 1.3,
    unit: "",
  },
  blockedLoop: {
    what: "a blocked loop outlives timeout and grace by",
    better: "lower",
    bar: 1_000,
    beyond: 250,
    unit: "ms",
  },
  startSeconds: { what: "1,000 handler files bound within", better: "lower", bar: 10, beyond: 2.5, unit: "s" },
  startBuiltSeconds: { what: "the same from a build", better: "lower", bar: 2, beyond: 1, unit: "s" },
  startRss: { what: "resident memory of all processes then", better: "lower", bar: 400, beyond: 300, unit: "MiB" },
  disabled: {
    what: "disabled on every one of 3 replicas within",
    better: "lower",
    bar: 1_000,
    beyond: 100,
    unit: "ms",
  },
  replayP99: {
    what: "a durable's p99 beside a replay to it, of quiet",
    better: "lower",
    bar: 1.5,
    beyond: 1.15,
    unit: "",
  },
  shadowP99: {
    what: "a durable's p99 beside a shadow of it, of quiet",
    better: "lower",
    bar: 1.5,
    beyond: 1.15,
    unit: "",
  },
  flatHandlers: {
    what: "CPU per event, 10 to 200 handlers, of one handler",
    better: "lower",
    bar: 1.15,
    beyond: 1.15,
    unit: "",
  },
  flatMessages: {
    what: "CPU per event after 2 million, of warm ones without",
    better: "lower",
    bar: 1.15,
    beyond: 1.15,
    unit: "",
  },
  flatMemory: {
    what: "memory held after 2 million events, more than before",
    better: "lower",
    bar: 3,
    beyond: 1,
    unit: "MiB",
  },
} as const satisfies Record<string, Threshold>;

/** By so much of its bar a row may miss it: what two runs of one version differ by on a busy machine. */
const NOISE = 0.1;

/** Worse than its bar by more than noise; so is what could not be measured. */
export function fallsShort(measured: number, { better, bar }: Threshold): boolean {
  const isGood = better === "higher" ? measured >= bar * (1 - NOISE) : measured <= bar * (1 + NOISE);
  return !isGood;
}

export type ThresholdName = keyof typeof THRESHOLDS;

/** What was measured of them. */
export type Numbers = Readonly<Partial<Record<ThresholdName, number>>>;
