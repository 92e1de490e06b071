// The first messages of a handler, counted in its intent: every replica takes its share with a condition on what stood there, so
// that no more begin than were asked for. When the last has been taken, the intent says that the handler is off. Pure.

import type { FirstMessages } from "../message/slow-start.ts";
import type { Intent } from "./intent.ts";

export interface Share {
  /** So many may begin. */
  readonly granted: number;
  /** What has to stand in the bucket for that; undefined: what stands there. */
  readonly next?: Intent;
}

/** @param intent what stands in the bucket; undefined: nothing does */
export function shareOf(intent: Intent | undefined, asked: FirstMessages, wanted: number, nowMs: number): Share {
  if (intent === undefined || (!intent.disabled && intent.first === undefined)) return { granted: wanted }; // Nobody counts any more.
  const { first } = intent;
  if (intent.disabled || first === undefined || first.saidMs !== asked.saidMs) return { granted: 0 };
  const granted = Math.min(wanted, first.left);
  const left = first.left - granted;
  if (left > 0) return { granted, next: { ...intent, first: { ...first, left } } };
  const reason = first.count === 1 ? "1 message was let through" : `${first.count} messages were let through`;
  return { granted, next: { disabled: true, by: intent.by, reason, sinceMs: nowMs, now: false } };
}
