// Figures as people read them.

import type { Spread } from "../measure/statistics.ts";
import { THRESHOLDS, type Threshold, type ThresholdName } from "../thresholds.ts";

export type Show = (value: number) => string;

/** `312k (298k..330k)` */
export function showSpread({ median, min, max }: Spread, show: Show): string {
  return `${show(median)} (${show(min)}..${show(max)})`;
}

/** Rates to three digits, `312k`: more are noise. */
export const perSecond: Show = (value) => {
  const rounded = Number(value.toPrecision(3));
  return rounded < 10_000 ? rounded.toLocaleString("en-US") : `${Number((rounded / 1_000).toPrecision(3))}k`;
};
export const whole: Show = (value) => Math.round(value).toLocaleString("en-US");
export const two: Show = (value) => value.toFixed(2);
export const one: Show = (value) => value.toFixed(1);

export type Verdict = "beyond" | "reached" | "missed";

export function judge(value: number, { better, bar, beyond }: Threshold): Verdict {
  const within = (limit: number) => (better === "higher" ? value >= limit : value <= limit);
  if (within(beyond)) return "beyond";
  return within(bar) ? "reached" : "missed";
}

/** `messages/s 0.93 of raw: REACHED   (bar >= 0.8, beyond >= 1)` */
export function verdictLine(what: string, value: number, name: ThresholdName): string {
  const threshold = THRESHOLDS[name];
  const verdict = judge(value, threshold).toUpperCase();
  return `${what}: ${verdict}   (bar ${showBar(threshold, threshold.bar)}, beyond ${showBar(threshold, threshold.beyond)})`;
}

/** `>= 0.8`, `<= 250 ms` */
export function showBar({ better, unit }: Threshold, limit: number): string {
  return `${better === "higher" ? ">=" : "<="} ${`${limit.toLocaleString("en-US")} ${unit}`.trim()}`;
}

/** `0.93`, `17.2 ms` */
export function showMeasured({ unit }: Threshold, value: number): string {
  const show = { "": two, s: two, ms: one, MiB: one, messages: whole }[unit];
  return `${show(value)} ${unit}`.trim();
}
