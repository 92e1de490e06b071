// How slowly a handler begins, in words.

import type { SlowStartWords } from "../message/slow-start.ts";
import type { HandlerSummary } from "./summary.ts";

const SPANS: Readonly<Record<number, string>> = { 1000: "a second", 60000: "a minute", 3600000: "an hour" };

/** `begins slowly, as ana@host has it: at most 20 messages a second in each replica`; undefined when it does not. */
export function slowStartText({ slowStart, kind, batch }: HandlerSummary): string | undefined {
  if (slowStart === undefined) return undefined;
  const { rate, first, by } = slowStart;
  const parts = [
    ...(rate === undefined || !keepsRate({ kind, batch }) ? [] : [rateText(rate)]),
    ...(first === undefined ? [] : [firstText(first)]),
  ];
  return parts.length === 0 ? undefined : `begins slowly, as ${by} has it: ${parts.join("; ")}`;
}

/** Requesters would wait in vain, and a batch is not one message. */
export function keepsRate({ kind, batch }: Pick<HandlerSummary, "kind" | "batch">): boolean {
  return kind !== "request" && batch === undefined;
}

function rateText({ count, everyMs }: NonNullable<SlowStartWords["rate"]>): string {
  const messages = count === 1 ? "1 message" : `${count} messages`;
  return `at most ${messages} ${SPANS[everyMs] ?? `in ${everyMs} ms`} in each replica`;
}

function firstText({ count, left }: NonNullable<SlowStartWords["first"]>): string {
  return `only the first ${count === 1 ? "message" : `${count} messages`} of all replicas, ${left} left, then it is off again`;
}
