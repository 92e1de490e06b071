// Figures as people read them.

import type { Spread } from "../measure/statistics.ts";

type Show = (value: number) => string;

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

export interface Bar {
  readonly better: "higher" | "lower";
  readonly bar: number;
  readonly beyond: number;
}

export type Verdict = "beyond" | "reached" | "missed";

export function judge(value: number, { better, bar, beyond }: Bar): Verdict {
  const within = (limit: number) => (better === "higher" ? value >= limit : value <= limit);
  if (within(beyond)) return "beyond";
  return within(bar) ? "reached" : "missed";
}

/** `events/s 0.93 of raw: bar >= 0.8 reached (beyond: >= 1)` */
export function verdictLine(what: string, value: number, bar: Bar): string {
  const sign = bar.better === "higher" ? ">=" : "<=";
  return `${what}: ${judge(value, bar).toUpperCase()}   (bar ${sign} ${bar.bar}, beyond ${sign} ${bar.beyond})`;
}
