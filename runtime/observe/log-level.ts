// What is loud enough to be told. How loud each event is stands in its row (event-rows.ts).

import { LOG_LEVELS, type LogLevel, type RuntimeEvent } from "../events.ts";
import { globMatcher } from "../metadata/name-filter.ts";

/** Whether something of this level is told when `threshold` is the least level wanted. */
export function isTold(level: LogLevel, threshold: LogLevel): boolean {
  return LOG_LEVELS.indexOf(level) >= LOG_LEVELS.indexOf(threshold);
}

/** The least level wanted of what concerns the handler, or no handler in particular. */
export type Threshold = (handler: string | undefined) => LogLevel;

/** @param byHandler names or globs; of several that fit, the last holds */
export function thresholdOf(
  level: LogLevel,
  byHandler: readonly { readonly pattern: string; readonly level: LogLevel }[],
): Threshold {
  if (byHandler.length === 0) return () => level;
  const rules = byHandler.map((rule) => ({ fits: globMatcher(rule.pattern), level: rule.level }));
  return (handler) => (handler && rules.findLast(({ fits }) => fits(handler))?.level) || level;
}

/** The handler it is about, if it is about one. */
export function handlerOf(event: RuntimeEvent): string | undefined {
  return "handler" in event ? event.handler : undefined;
}
