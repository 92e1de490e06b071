// What holds a handler up, and what to do, in a line.

import type { HandlerSummary } from "../control/summary.ts";
import { spanText } from "../terminal/time-text.ts";

type HoldReport = Omit<HandlerSummary["holds"][number], "onReplicas">;

/** `stuck for 12 s: the subscription to "a" failed: ... Allow ...`. */
export function holdText({ text, remedy, sinceMs }: HoldReport, nowMs: number): string {
  return `stuck for ${spanText(Math.max(0, nowMs - sinceMs))}: ${text}. ${remedy}`;
}

/** One text for each reason, with the replicas it holds on when it does not hold on all. */
export function holdTexts({ holds, replicas }: HandlerSummary, nowMs: number): string[] {
  return holds.map((hold) => {
    const text = holdText(hold, nowMs);
    return hold.onReplicas === replicas.length ? text : `${text} (${hold.onReplicas} of ${replicas.length} replicas)`;
  });
}
