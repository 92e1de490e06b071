// In what a handler's messages are wrapped, and what cannot go with that.

import type { Envelope, ResolvedMetadata } from "./handler-metadata.ts";
import { handlerOptions, type Read } from "./options.ts";

type Others = Pick<ResolvedMetadata, "payload" | "schedule" | "store">;

/** What is asked for must fit; the default gives way where it does not. */
export function readEnvelope(raw: unknown, byDefault: Envelope, others: Others): Read<Envelope> {
  const clash = clashOf(others);
  if (raw === undefined) return { value: clash === undefined ? byDefault : "none" };
  const read = handlerOptions.envelope(raw);
  return "value" in read && read.value === "nest" && clash !== undefined ? { problem: clash } : read;
}

function clashOf({ payload, schedule, store }: Others): string | undefined {
  if (payload !== "json") return 'cannot be "nest" beside `payload`: packets of Nest are JSON; leave out one of them';
  if (store !== undefined) return `cannot be "nest" beside \`${store.kind}\`: what is in a bucket is no packet of Nest`;
  if (schedule === undefined) return undefined;
  return 'cannot be "nest" beside `schedule`: what a schedule publishes is no packet of Nest; give the schedule a handler of its own';
}
