// By whom, why and until when a handler is off. Environment, configuration, operator, `start --hold` and metadata speak in this order.

import type { HandlerSummary } from "../control/summary.ts";
import { momentText, spanText } from "../terminal/time-text.ts";

export type DisabledReport = NonNullable<HandlerSummary["replicas"][number]["handler"]["disabled"]>;

/** `disabled by operator ana@host 3 min ago: too slow, until 18:30:00 (in 2 h)`. */
export function disabledText({ source, by, reason, sinceMs, untilMs }: DisabledReport, nowMs: number): string {
  const who = source === "operator" ? `operator ${by}` : WORDS[source];
  const when = source === "operator" && sinceMs > 0 ? ` ${spanText(nowMs - sinceMs)} ago` : "";
  const why = reason === "" ? "" : `: ${reason}`;
  const until = untilMs === undefined ? "" : `, until ${momentText(untilMs, nowMs)} (in ${spanText(untilMs - nowMs)})`;
  return `disabled by ${who}${when}${why}${until}`;
}

const WORDS: Readonly<Record<Exclude<DisabledReport["source"], "operator">, string>> = {
  env: "env (HANDLERS_DISABLED)",
  config: "config (`disabled` in handlers.config.ts)",
  metadata: "metadata (`disabled` in its file)",
  start: "start --hold, until it is enabled",
};

/** One text for each different reason, with the replicas it holds on when it does not hold on all. */
export function disabledTexts({ replicas }: HandlerSummary, nowMs: number): string[] {
  const counts = new Map<string, number>();
  for (const { handler } of replicas) {
    if (handler.disabled === undefined) continue;
    const text = disabledText(handler.disabled, nowMs);
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  return [...counts].map(([text, count]) =>
    count === replicas.length ? text : `${text} (${count} of ${replicas.length} replicas)`,
  );
}
