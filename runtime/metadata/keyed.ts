// What a key by which messages wait for themselves (`rate.key`, `fairBy`) does not go with: one of another key passes those that
// wait, so that there is no order beside it. Pure.

import type { MessageKey, ResolvedMetadata } from "./handler-metadata.ts";
import { messageKeyProblems } from "./message-key.ts";
import type { Problem } from "./metadata-problems.ts";

type Fields = Readonly<Record<string, unknown>>;

/** @param raw as it was written */
export function keyedProblems(
  raw: Fields,
  key: MessageKey | undefined,
  path: readonly string[],
  metadata: ResolvedMetadata,
): Problem[] {
  if (key === undefined) return [];
  const orders = raw.orderBy !== undefined ? "orderBy" : raw.concurrency === "one" ? 'concurrency "one"' : undefined;
  const message = `cannot be kept beside ${orders}: messages pass those of another key that wait; leave out one of them`;
  return [...messageKeyProblems(key, path, metadata), ...(orders === undefined ? [] : [{ path, message }])];
}
