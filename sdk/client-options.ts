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
  /** Excludes `delay`. */
  readonly ttl?: undefined;
}

/** It leaves at a time. */
export interface ClientPublishAt extends ClientSendOptions {
  /** When it leaves, at most 366 days ahead; a time that has passed is at once. Default: at once. For the rest as `delay`. */
  readonly at?: Date | undefined;
  /** Excludes `at`. */
  readonly delay?: undefined;
  /** Excludes `at`. */
  readonly ttl?: undefined;
}

/** Its stream keeps it for a while only. */
export interface ClientPublishFor extends ClientSendOptions {
  /**
   * How long the stream that takes the subject keeps the message: `"10m"`, at least `"1s"`, in whole seconds (rounded up).
   * Default: as long as the stream keeps messages. Needs nats-server 2.11 and a stream with `allow_msg_ttl`, which is looked
   * up (`$JS.API.STREAM.INFO.<stream>`): rejects with code 400 where there is none.
   */
  readonly ttl?: Duration | undefined;
  /** Excludes `ttl`. */
  readonly delay?: undefined;
  /** Excludes `ttl`. */
  readonly at?: undefined;
}

export type ClientPublishOptions = ClientPublishAfter | ClientPublishAt | ClientPublishFor;
