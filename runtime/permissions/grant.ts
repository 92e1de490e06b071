// What a NATS user may do, and for whom it is worked out. Pure data.

import type { ResolvedMetadata } from "../metadata/handler-metadata.ts";

/** Subjects that belong together, and why they are needed. */
export interface Grant {
  readonly why: string;
  readonly publish?: readonly string[];
  /** `subject`, or `subject queue-group`: only within that group. */
  readonly subscribe?: readonly string[];
}

export interface PermittedHandler {
  readonly name: string;
  readonly metadata: Pick<
    ResolvedMetadata,
    | "debounce"
    | "kind"
    | "subjects"
    | "singleton"
    | "stream"
    | "throttle"
    | "domain"
    | "schedule"
    | "everyReplica"
    | "fleetOrder"
    | "rate"
    | "timeoutMs"
    | "outputs"
    | "publishes"
    | "uses"
  >;
}

export interface PermittedApp {
  readonly app: string;
  readonly inboxPrefix: string | undefined;
  /** Of the JetStream that has the app's streams; undefined: that of the account. */
  readonly domain?: string | undefined;
  /** Those declared. */
  readonly streams: readonly { readonly name: string; readonly subjects: readonly string[] }[];
  readonly handlers: readonly PermittedHandler[];
  /** Bucket of what is too large for messages; undefined: that is refused. */
  readonly largeBucket?: string | undefined;
}

export const COMMON_INBOXES = "_INBOX";

export function inboxes({ inboxPrefix = COMMON_INBOXES }: PermittedApp): Grant {
  return { why: "Replies, and the messages that are pulled from streams.", subscribe: [`${inboxPrefix}.>`] };
}
