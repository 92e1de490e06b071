// What the configuration that the server has made of a durable takes from the promise of its handler. Pure.

import type { ConsumerConfig } from "@nats-io/jetstream";
import { type DurableSpec, MAX_ACK_PENDING } from "./durable-consumer.ts";

const NS_PER_MS = 1_000_000;

export interface DurableCost {
  readonly level: "info" | "warn";
  readonly text: string;
}

/** The time without anybody who takes from it after which the server removes the durable; undefined: it stays. */
export function removedAfterMs({ inactive_threshold: ns = 0 }: Pick<ConsumerConfig, "inactive_threshold">) {
  return ns > 0 ? ns / NS_PER_MS : undefined;
}

/** What is to be told when a handler is bound, most serious first. */
export function costsOf(config: ConsumerConfig, { handler, stream, durable, oneAtATime }: DurableSpec): DurableCost[] {
  const costs: DurableCost[] = [];
  const afterMs = removedAfterMs(config);
  if (afterMs !== undefined) {
    const text = `handler "${handler}": the server removes its durable "${durable}" when no replica runs for ${durationText(afterMs)} (inactive_threshold of the durable, or of the consumer_limits of stream "${stream}"): then everything still stored runs again, and with retention "interest" what is published meanwhile is lost. Take the threshold away`;
    costs.push({ level: "warn", text });
  }
  const most = config.max_ack_pending ?? 0;
  if (most > 0 && most < MAX_ACK_PENDING && oneAtATime !== true) {
    const text = `handler "${handler}": at most ${most} of its messages are in hand at once, over all replicas, those that wait for a retry included: that is what max_ack_pending of durable "${durable}" is`;
    costs.push({ level: "info", text });
  }
  return costs;
}

/** `90 s`, `1500 ms`. */
function durationText(ms: number): string {
  return ms % 1_000 === 0 ? `${ms / 1_000} s` : `${ms} ms`;
}
