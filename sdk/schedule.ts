// When a handler runs by itself.

import type { Duration } from "./duration.ts";

/** What becomes of times that were missed. */
export interface Missing {
  /**
   * What becomes of planned times at which nobody was there: after an outage, a `disable`, or a run that took longer than
   * the time between two. `"once"`: one run, for the last of them. `"all"`: each, one after another, a thousand at most.
   * `"skip"`: none. Default `"once"`.
   */
  missed?: "skip" | "once" | "all" | undefined;
}

/** By a cron pattern. */
export interface CronTimes extends Missing {
  /** Five fields, or six with seconds first: `"0 5 * * MON-FRI"`; or `"@hourly"`, `"@daily"`, `"@weekly"`, `"@monthly"`, `"@yearly"`. */
  cron: string;
  /** Of the IANA: `"Europe/Berlin"`. Default `"UTC"`. */
  timeZone?: string | undefined;
  /** Excludes `cron`. */
  every?: undefined;
}

/** At an interval. */
export interface IntervalTimes extends Missing {
  /** `"1s"` to `"365d"`, counted from 1970-01-01T00:00Z: `"15m"` is at :00, :15, :30 and :45. */
  every: Duration;
  /** Excludes `every`. */
  cron?: undefined;
  /** For `cron`. */
  timeZone?: undefined;
}

interface AnySchedule<Payload> {
  /** What the function receives. It must pass the schema, if there is one. Default: an empty message, `undefined`. */
  payload?: Payload | undefined;
}

export interface CronSchedule<Payload = unknown> extends CronTimes, AnySchedule<Payload> {}

export interface IntervalSchedule<Payload = unknown> extends IntervalTimes, AnySchedule<Payload> {}

/** A cron pattern, or more about it. */
export type Schedule<Payload = unknown> = string | CronSchedule<Payload> | IntervalSchedule<Payload>;
