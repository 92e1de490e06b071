// What a handler is given beside the payload.

import type { EventDefinition, PublishedOf } from "./define-event.ts";
import type { Duration } from "./duration.ts";

/** The headers of a message, read-only. Names are compared without regard to case. */
export interface MessageHeaders extends Iterable<readonly [name: string, values: readonly string[]]> {
  /** The first value of the header. */
  get(name: string): string | undefined;
  /** Every value of the header, oldest first; empty when it is absent. */
  getAll(name: string): readonly string[];
  has(name: string): boolean;
}

export interface LogMethod {
  (message: string): void;
  (fields: object, message?: string): void;
}

/** Lines written here carry the handler, its version, the message id, the attempt and, where there is one, the trace id. */
export interface HandlerLog {
  readonly trace: LogMethod;
  readonly debug: LogMethod;
  readonly info: LogMethod;
  readonly warn: LogMethod;
  readonly error: LogMethod;
}

export type HeadersInput = Readonly<Record<string, string | readonly string[]>>;

export interface PublishOptions {
  /** Headers of the message. Names that start with `Nats-` are refused. */
  readonly headers?: HeadersInput | undefined;
  /** Longest wait for the connection, and for the stream's confirmation where one is awaited. Default: the handler's timeout. */
  readonly timeout?: Duration | undefined;
}

export interface RequestOptions {
  readonly headers?: HeadersInput | undefined;
  /** Longest wait for the reply. Default: the handler's timeout. */
  readonly timeout?: Duration | undefined;
}

type Wildcard = "*" | ">" | `${string}.*` | `*.${string}` | `${string}.*.${string}` | `${string}.>`;
type SubjectOf<Target> = Target extends { readonly subject: infer Subject } ? Subject : Target;

/** The target itself, or a message for the reader when its subject has wildcards. */
export type Publishable<Target> =
  SubjectOf<Target> extends Wildcard ? "a subject with * or > can be handled, but not published to" : Target;

export interface HandlerContext {
  /** The subject the message was published to. */
  readonly subject: string;
  /** What stood for each wildcard of the handler's subject, in order; `>` gives the rest as one string. */
  readonly wildcards: readonly string[];
  readonly headers: MessageHeaders;
  /** The same for every delivery of the message: use it to recognise a repeated one. */
  readonly id: string;
  /** Which run of the message this is, from 1. */
  readonly attempt: number;
  /** How many runs there can be; 1 for `event` and `request` handlers. */
  readonly attempts: number;
  /** Aborts at the timeout, and when the handler must stop. Hand it to whatever waits. */
  readonly signal: AbortSignal;
  readonly log: HandlerLog;

  /**
   * Publish to a subject (any data) or an event (data of its schema's input type). Data is sent as JSON,
   * bytes (`Uint8Array`) as they are.
   *
   * From a durable handler the message carries an id made from `id` and the number of the call, so that a repeated
   * run does not put it into a stream twice. Rejects when it was not sent.
   */
  publish<const Target extends string | EventDefinition>(
    target: Publishable<Target>,
    data: PublishedOf<Target>,
    options?: PublishOptions,
  ): Promise<void>;

  /**
   * Ask, and wait for one reply. Rejects when nobody takes the subject, when the reply is an error, and at the timeout.
   * The reply's type is the caller's claim: nothing checks it.
   */
  request<Reply = unknown>(subject: string, data?: unknown, options?: RequestOptions): Promise<Reply>;
  request<Event extends EventDefinition, Reply = unknown>(
    event: Publishable<Event>,
    data: PublishedOf<Event>,
    options?: RequestOptions,
  ): Promise<Reply>;
}
