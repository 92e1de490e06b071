// Whether a stream stores several messages as one (nats-server 2.12), and a mark with them that stays. Pure.
//
// What the server has kept of a setting says whether it knows it: an older one drops `allow_atomic`, and would store each message of a
// batch for itself.

import { RetentionPolicy, type StreamConfig } from "@nats-io/jetstream";
import { isSince } from "../nats/server-version.ts";

/** A server that takes no batches, as the end of a sentence; undefined: it does. */
export function whyNoBatches(version: string | undefined): string | undefined {
  if (isSince(version, [2, 12])) return undefined;
  return `this is nats-server ${version ?? "of an unknown version"}, and it takes 2.12`;
}

/** As the end of a sentence; undefined: it does. */
export function whyNotAtomic(config: StreamConfig): string | undefined {
  const { name, allow_atomic, no_ack, retention, subject_transform } = config;
  if (allow_atomic !== true) return `stream "${name}" stores no batch as one: switch \`allow_atomic\` on`;
  if (no_ack === true) return `stream "${name}" does not say what it has stored (no_ack)`;
  if (retention === RetentionPolicy.Interest)
    return `stream "${name}" has the retention "interest", and would forget at once what it has stored`;
  if (subject_transform !== undefined) return `stream "${name}" stores subjects as others (subject_transform)`;
  return undefined;
}
