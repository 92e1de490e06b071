// One intent, as it stands in the bucket.

import type { FirstMessages, SlowStartWords } from "../message/slow-start.ts";
import type { Rate } from "../metadata/handler-metadata.ts";

export interface Intent {
  readonly disabled: boolean;
  readonly by: string;
  readonly reason: string;
  readonly sinceMs: number;
  /** Milliseconds since the epoch; absent: until enabled. */
  readonly untilMs?: number;
  /** Kill what is in flight instead of letting it finish. */
  readonly now: boolean;
  /** Nobody said so: the time of what was said before is over. */
  readonly over?: boolean;
  /** Of a handler that is on: so many messages begin in so long, in each replica. */
  readonly rate?: Rate;
  /** Of a handler that is on: so many messages are let through, then it is off. */
  readonly first?: FirstMessages;
}

/** Which version of which handler's intent, of which bucket: one that is made anew counts from 1 again. */
export interface IntentMark {
  readonly bucket: string;
  readonly name: string;
  readonly revision: number;
}

/** Something unreadable is a handler turned off by someone we do not understand: off is the safe reading. */
export function readIntent(text: string): Intent {
  try {
    const { disabled, by, reason, sinceMs, untilMs, now, over, rate, first } = JSON.parse(text) as Partial<Intent>;
    return {
      disabled: disabled !== false,
      by: typeof by === "string" ? by : "unknown",
      reason: typeof reason === "string" ? reason : "",
      sinceMs: typeof sinceMs === "number" ? sinceMs : 0,
      ...(typeof untilMs === "number" ? { untilMs } : {}),
      now: now === true,
      ...(over === true ? { over } : {}),
      ...(isRate(rate) ? { rate } : {}),
      ...(isFirst(first) ? { first } : {}),
    };
  } catch {
    const reason = `unreadable intent ${JSON.stringify(text.slice(0, 100))}`;
    return { disabled: true, by: "unknown", reason, sinceMs: 0, now: false };
  }
}

function isRate(rate: Partial<Rate> | undefined): rate is Rate {
  return isCount(rate?.count) && isCount(rate?.everyMs);
}

function isFirst(first: Partial<FirstMessages> | undefined): first is FirstMessages {
  return isCount(first?.count) && isCount(first?.left) && typeof first?.saidMs === "number";
}

function isCount(count: unknown): count is number {
  return typeof count === "number" && count > 0;
}

/** How slowly it has its handler begin; undefined: as fast as it can, or not at all. */
export function slowStartOf({ disabled, by, sinceMs, rate, first }: Intent): SlowStartWords | undefined {
  if (disabled || (rate === undefined && first === undefined)) return undefined;
  return { by, sinceMs, ...(rate === undefined ? {} : { rate }), ...(first === undefined ? {} : { first }) };
}

/** Somebody's word, not the end of an earlier one, nor the count of what one let through that was said before that time. */
export function isEnabling({ disabled, over, first }: Intent, sinceMs: number): boolean {
  return !disabled && over !== true && (first === undefined || first.left === first.count || first.saidMs >= sinceMs);
}

/** Whether it turns its handler off at that time. */
export function isInForce({ disabled, untilMs }: Intent, nowMs: number): boolean {
  return disabled && (untilMs === undefined || untilMs > nowMs);
}

/** Handler names as keys: a key may not have two dots in a row, and handler names have no `=`. */
export function keyOf(name: string): string {
  return name.replaceAll(".", "=");
}

export function nameOf(key: string): string {
  return key.replaceAll("=", ".");
}
