// A declared stream, compared with what the server has. Pure. Only what was stated counts; the rest stays as it is.

import { DiscardPolicy, RetentionPolicy, StorageType, type StreamConfig } from "@nats-io/jetstream";

/** As in the configuration. `undefined`: not stated, so what the server has stays. */
export interface DeclaredStream {
  readonly name: string;
  readonly subjects: readonly string[];
  readonly description: string | undefined;
  readonly maxAgeMs: number | undefined;
  readonly maxBytes: number | undefined;
  readonly maxMessages: number | undefined;
  readonly maxMessageBytes: number | undefined;
  readonly retention: "limits" | "interest" | "workqueue" | undefined;
  readonly storage: "file" | "memory" | undefined;
  readonly discard: "old" | "new" | undefined;
  readonly replicas: number | undefined;
  readonly duplicateWindowMs: number | undefined;
  readonly atomic: boolean | undefined;
}

export type StatedConfig = Partial<StreamConfig> & { readonly name: string; readonly subjects: string[] };

const NS_PER_MS = 1_000_000;
const DEFAULT_MAX_AGE_MS = 7 * 86_400_000;
/** Longer than a handler with the default retries goes on: what it publishes again in its last run is still known then. */
const DEFAULT_DUPLICATE_WINDOW_MS = 10 * 60_000;
/** Bound of a stream whose declaration states none. */
export const DEFAULT_MAX_BYTES = 1024 ** 3;

/** What the declaration states, in the server's words. */
export function statedConfig(stream: DeclaredStream): StatedConfig {
  const stated: Record<string, unknown> = {
    name: stream.name,
    subjects: [...stream.subjects],
    description: stream.description,
    max_age: stream.maxAgeMs === undefined ? undefined : stream.maxAgeMs * NS_PER_MS,
    max_bytes: stream.maxBytes,
    max_msgs: stream.maxMessages,
    max_msg_size: stream.maxMessageBytes,
    retention: stream.retention,
    storage: stream.storage,
    discard: stream.discard,
    num_replicas: stream.replicas,
    duplicate_window: stream.duplicateWindowMs === undefined ? undefined : stream.duplicateWindowMs * NS_PER_MS,
    allow_atomic: stream.atomic,
  };
  return Object.fromEntries(Object.entries(stated).filter(([, value]) => value !== undefined)) as StatedConfig;
}

/** For a stream that is made: a week, bounded, so that a forgotten handler fills no disk. */
export function newStreamConfig(stated: StatedConfig): StatedConfig {
  // The server wants no window that is longer than what it keeps; an age of 0 is no limit.
  const maxAgeNs = stated.max_age || Number.POSITIVE_INFINITY;
  return {
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: DiscardPolicy.Old,
    max_age: DEFAULT_MAX_AGE_MS * NS_PER_MS,
    duplicate_window: Math.min(DEFAULT_DUPLICATE_WINDOW_MS * NS_PER_MS, maxAgeNs),
    allow_direct: true,
    ...stated,
  };
}

/** For a stream that is there. Keeping messages for less time shortens the window with it, which the server wants. */
export function changedConfig(stated: StatedConfig, actual: StreamConfig): StatedConfig {
  const { max_age: maxAgeNs = 0 } = stated;
  if (maxAgeNs === 0 || actual.duplicate_window <= maxAgeNs) return stated;
  return { duplicate_window: maxAgeNs, ...stated };
}

/** Names of the stated settings that the server has otherwise. */
export function differences(stated: StatedConfig, actual: StreamConfig): string[] {
  return Object.entries(stated)
    .filter(([name, value]) => !same(value, actual[name as keyof StreamConfig]))
    .map(([name]) => name);
}

function same(stated: unknown, actual: unknown): boolean {
  if (stated === false) return actual !== true; // Left out where it is not so.
  if (!Array.isArray(stated) || !Array.isArray(actual)) return stated === actual;
  return stated.length === actual.length && stated.every((value) => actual.includes(value));
}

/** For an app `todo` and `orders.*.paid`: `TODO_ORDERS`. */
export function madeStreamName(app: string, subject: string): string {
  const [first = ""] = subject.split(".");
  const token = /^[*>]$/.test(first) ? "ANY" : first;
  return `${app}_${token}`.toUpperCase().replace(/[^A-Z0-9_-]/g, "_");
}
