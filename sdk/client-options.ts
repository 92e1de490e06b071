// What a publish of the client can say.

import type { HeadersInput } from "./context.ts";
import type { Duration } from "./duration.ts";

/** What every publish can say. */
export interface ClientSendOptions {
  /** Headers of the message. Names that start with `Nats-` are refused. */
  readonly headers?: HeadersInput | undefined;
  /** Longest wait for the server, and for the stream's confirmation where a stream takes it. Default: the client's. */
  readonly timeout?: Duration | undefined;
  /**
   * A stream stores two messages of one id once, when the second comes within its `duplicate_window` (2 minutes unless set
   * otherwise): give the same one to what you publish again. Default: a fresh one.
   */
  readonly id?: string | undefined;
}

/** It leaves after a while, or at once. */
export interface ClientPublishAfter extends ClientSendOptions {
  /**
   * How long it waits before it leaves: `"10m"`, at most `"366d"`. Default: not at all. It waits in the stream of the client's
   * `app`, and a replica of that app publishes it, with its own rights; `handlers scheduled` lists and cancels it.
   */
  readonly delay?: Duration | undefined;
  /** Excludes `delay`. */
  readonly at?: undefined;
}

/** It leaves at a time. */
export interface ClientPublishAt extends ClientSendOptions {
  /** When it leaves, at most 366 days ahead; a time that has passed is at once. Default: at once. For the rest as `delay`. */
  readonly at?: Date | undefined;
  /** Excludes `at`. */
  readonly delay?: undefined;
}

export type ClientPublishOptions = ClientPublishAfter | ClientPublishAt;
