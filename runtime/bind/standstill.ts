// Why a consumer hands out nothing, told from looks at it between which nothing arrived. Pure.

import type { Hold, HoldReason } from "../message/hold.ts";

export interface ConsumerReading {
  readonly stream: string;
  readonly durable: string;
  /** When it was looked at. */
  readonly atMs: number;
  /** Milliseconds since the epoch; undefined when it is not paused. */
  readonly pausedUntilMs: number | undefined;
  /** Stored, and not delivered to anybody. */
  readonly pending: number;
  readonly ackPending: number;
  readonly maxAckPending: number;
  /** It is bounded to one, as its handler wants it. */
  readonly oneAtATime: boolean;
  /** How many deliveries it has made: to any replica. */
  readonly delivered: number;
  /** When the next message is due that this replica has put off. */
  readonly nextRetryAtMs: number | undefined;
}

/** What `standstillOf` may find. */
export const STANDSTILLS: readonly HoldReason[] = ["no-answer", "paused", "retries-waiting", "ack-limit", "stalled"];

/** Less is no standstill: others may be at work, or the server busy. */
const LEAST_MS = 3_000;

/** @param first the first look since it stands still; undefined when this is the first */
export function standstillOf(
  first: ConsumerReading | undefined,
  now: ConsumerReading,
): Omit<Hold, "sinceMs"> | undefined {
  const { stream, durable, pausedUntilMs, pending, ackPending, maxAckPending, oneAtATime } = now;
  if (pausedUntilMs !== undefined) {
    return {
      reason: "paused",
      text: `durable "${durable}" is paused by an operator until ${timeText(pausedUntilMs)}`,
      remedy: `Messages wait in the stream; \`nats consumer resume ${stream} ${durable}\` ends it before.`,
    };
  }
  if (first === undefined || pending === 0 || now.atMs - first.atMs < LEAST_MS) return undefined;
  // The one message is in hand in another replica, or waits for its retry: the rest waits for it, as it should.
  if (oneAtATime && ackPending > 0) return undefined;
  if (maxAckPending > 0 && ackPending >= maxAckPending) return atLimit(now);
  return {
    reason: "stalled",
    text: `${pending} messages wait for durable "${durable}", there is room for them, and the server hands out none`,
    remedy: `Look at the consumer (\`nats consumer info ${stream} ${durable}\`) and at the server's log.`,
  };
}

function atLimit({ durable, ackPending, maxAckPending, nextRetryAtMs }: ConsumerReading): Omit<Hold, "sinceMs"> {
  const limit = `${ackPending} of ${maxAckPending} acknowledgements of durable "${durable}" are pending`;
  if (nextRetryAtMs === undefined) {
    return {
      reason: "ack-limit",
      text: `${limit}: what other replicas have in hand, or what waits for its retry, holds the rest`,
      remedy: "Nothing, when it is meant to bound the work of all replicas; else raise the consumer's max_ack_pending.",
    };
  }
  return {
    reason: "retries-waiting",
    text: `${limit}: messages that wait for their retry hold the rest; the next is due at ${timeText(nextRetryAtMs)}`,
    remedy: "Retry sooner, give up earlier (dead letters can be redriven), or raise the consumer's max_ack_pending.",
  };
}

function timeText(atMs: number): string {
  return new Date(atMs).toISOString().replace(/\.\d+Z$/, "Z");
}
