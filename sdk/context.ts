// What a handler is given beside the payload.

import type { Defer } from "./defer.ts";
import type { EventDefinition, PublishedOf } from "./define-event.ts";
import type { ReplyOf, RequestDefinition } from "./define-request.ts";
import type { Duration } from "./duration.ts";
import type { Once } from "./once.ts";
import type { PayloadFormat } from "./payload.ts";
import type { CronTimes, IntervalTimes } from "./schedule.ts";
import type { BucketOptions, KvBucket, ObjectBucket } from "./stores.ts";

/** The headers of a message, read-only. Names are compared without regard to case. */
export interface MessageHeaders extends Iterable<readonly [name: string, values: readonly string[]]> {
  /** The first value of the header. */
  get(name: string): string | undefined;
  /** Every value of the header, oldest first; empty when it is absent. */
  getAll(name: string): readonly string[];
  /** Whether the header is there, be it empty. */
  has(name: string): boolean;
}

export interface LogMethod {
  (message: string): void;
  (fields: object, message?: string): void;
}

/** Lines written here carry the handler, its version, the message id, the attempt and, where there is one, the trace id. */
export interface HandlerLog {
  /** Written where the handler's level is `"trace"`. */
  readonly trace: LogMethod;
  /** Written where the handler's level is `"debug"` or lower. */
  readonly debug: LogMethod;
  /** Written where the handler's level is `"info"` or lower, as it is by default. */
  readonly info: LogMethod;
  /** Something an operator may want to look at. */
  readonly warn: LogMethod;
  /** Something failed. */
  readonly error: LogMethod;
}

export type HeadersInput = Readonly<Record<string, string | readonly string[]>>;

/** What every publish can say. */
export interface SendOptions {
  /** Headers of the message. Names that start with `Nats-` are refused. */
  readonly headers?: HeadersInput | undefined;
  /** Longest wait for the connection, and for the stream's confirmation where one is awaited. Default: the handler's timeout. */
  readonly timeout?: Duration | undefined;
  /** `"nest"`: the data goes in a packet of NestJS's NATS transport, as its `emit` sends it. Bytes are refused. Default `"none"`. */
  readonly envelope?: "none" | "nest" | undefined;
}

/** It leaves after a while, or at once. */
export interface PublishAfter extends SendOptions {
  /**
   * How long it waits before it leaves: `"10m"`, at most `"366d"`. Never less, by the NATS server's clock. Default: not at
   * all. Needs JetStream (rejects with code 501): it waits in the stream `LATER_<app>`, through restarts of the runtime and
   * the server. Throws a TypeError with the code `"INVALID_OPTION"` when it is no duration, is longer, or `at` is given too.
   */
  readonly delay?: Duration | undefined;
  /** Excludes `delay`. */
  readonly at?: undefined;
  /** Excludes `delay`. */
  readonly ttl?: undefined;
}

/** It leaves at a time. */
export interface PublishAt extends SendOptions {
  /**
   * When it leaves, at most 366 days ahead; a time that has passed is at once. Never earlier, by the NATS server's clock.
   * Default: at once. For the rest as `delay`.
   */
  readonly at?: Date | undefined;
  /** Excludes `at`. */
  readonly delay?: undefined;
  /** Excludes `at`. */
  readonly ttl?: undefined;
}

/** Its stream keeps it for a while only. */
export interface PublishFor extends SendOptions {
  /**
   * How long the stream that takes the subject keeps the message: `"10m"`, at least `"1s"`, in whole seconds (rounded up).
   * Default: as long as the stream keeps messages. Then it is gone without a trace, handled or not; `expires` of a handler
   * makes a dead letter of it. Needs nats-server 2.11 and a stream with `allow_msg_ttl`: rejects with code 400 where there is none.
   * Throws a TypeError with the code `"INVALID_OPTION"` when it is no duration, is shorter, or `delay` or `at` is given too.
   */
  readonly ttl?: Duration | undefined;
  /** Excludes `ttl`. */
  readonly delay?: undefined;
  /** Excludes `ttl`. */
  readonly at?: undefined;
}

export type PublishOptions = PublishAfter | PublishAt | PublishFor;

/** When `ctx.schedule` has its message published: a cron pattern, or more about it. */
export type ScheduleOptions = string | (CronTimes & SendOptions) | (IntervalTimes & SendOptions);

/** What every request can say. */
export interface AskOptions {
  /** Headers of the message. Names that start with `Nats-` are refused. */
  readonly headers?: HeadersInput | undefined;
  /** Longest wait for the reply. Default: the handler's timeout. */
  readonly timeout?: Duration | undefined;
  /** How the reply is read: `"json"`, `"bytes"` for a `Uint8Array`, or a codec. Default `"json"`. */
  readonly payload?: PayloadFormat | undefined;
}

/** The data goes as it is, and so comes the reply. */
export interface AskPlainly extends AskOptions {
  /** Default `"none"`. */
  readonly envelope?: "none" | undefined;
}

/** It goes to a service of NestJS. */
export interface AskNest extends AskOptions {
  /**
   * The data goes in a packet of NestJS's NATS transport, as its `send` sends it, and the reply comes in one; of a stream the
   * first value. What the service throws rejects with an Error that has it as its `cause`, and its `code` where that is a
   * number, else 500. A reply that is no packet rejects with code 502.
   */
  readonly envelope: "nest";
  /** Packets are JSON. */
  readonly payload?: "json" | undefined;
}

export type RequestOptions = AskPlainly | AskNest;

type Wildcard = "*" | ">" | `${string}.*` | `*.${string}` | `${string}.*.${string}` | `${string}.>`;
type SubjectOf<Target> = Target extends { readonly subject: infer Subject } ? Subject : Target;

/** The target itself, or a message for the reader when its subject has wildcards. */
export type Publishable<Target> =
  SubjectOf<Target> extends Wildcard ? "a subject with * or > can be handled, but not published to" : Target;

/** To a request's definition, a subject or an event. */
export interface Ask<Options = AskOptions> {
  <const Definition extends RequestDefinition>(
    definition: Publishable<Definition>,
    data: PublishedOf<Definition>,
    options?: Options,
  ): Promise<ReplyOf<Definition>>;
  <Reply = unknown>(subject: string, data?: unknown, options?: Options): Promise<Reply>;
  <Event extends EventDefinition, Reply = unknown>(
    event: Publishable<Event>,
    data: PublishedOf<Event>,
    options?: Options,
  ): Promise<Reply>;
}

/** Under a key, to a subject or an event. */
export type MakeSchedule = <const Target extends string | EventDefinition>(
  key: string,
  target: Publishable<Target>,
  data: PublishedOf<Target>,
  when: ScheduleOptions,
) => Promise<void>;

/** What a function that takes batches is given beside the contents. */
export interface BatchContext<Message extends HandlerContext = HandlerContext> {
  /** One for each content, in the same order: id, attempt, headers, and `publish` and `request` on the message's behalf. */
  readonly messages: readonly Message[];
  /** Aborts at the timeout, which is for the whole batch, and when the handler must stop. */
  readonly signal: AbortSignal;
  /** The runtime's log. `ctx.messages[0].log` has a message's id on each line. */
  readonly log: HandlerLog;
  /** As for a single message. */
  readonly shadow: boolean;
  /**
   * Fail the message at that place, from 0, as if the function had thrown `error` for it alone: it is retried or kept as a dead
   * letter, and the others are not touched by it. `RetryLater`, `GiveUp` and `SlowDown` are heeded. The first call for a place
   * counts. Throws a RangeError when there is no such place, and an Error once the function has ended.
   */
  fail(index: number, error: unknown): void;
}

export interface HandlerContext {
  /** The subject the message was published to. */
  readonly subject: string;
  /** What stood for each wildcard of the handler's subject, in order; `>` gives the rest as one string. */
  readonly wildcards: readonly string[];
  /** Of the message. */
  readonly headers: MessageHeaders;
  /**
   * The same for every delivery and redrive of a message of a stream, and no other message's: stream, number, time of
   * storage. Use it to recognise a repeated one.
   */
  readonly id: string;
  /** Of a run by the handler's `schedule`: the time for which it was planned, the same for every retry. Else undefined. */
  readonly scheduledFor: Date | undefined;
  /**
   * Whether `handlers replay` has sent the message again, in retries and after a redrive too. `id` is that of the first time:
   * who remembers ids does nothing then. What says so is the header `Handlers-Replayed`, which anybody can publish.
   */
  readonly replayed: boolean;
  /** Which run of the message this is, from 1. */
  readonly attempt: number;
  /** How many runs there can be; 1 for `event` and `request` handlers. */
  readonly attempts: number;
  /**
   * Whether this is a run of `handlers shadow` or `handlers dlq try`: what it publishes, requests and answers goes nowhere.
   * What it does elsewhere is the handler's own to withhold. `setup` and `teardown` are told as well: `setup({ shadow })`.
   */
  readonly shadow: boolean;
  /** Aborts at the timeout, and when the handler must stop. Hand it to whatever waits. */
  readonly signal: AbortSignal;
  /** The runtime's log, with the message's id on each line. */
  readonly log: HandlerLog;

  /**
   * Publish to a subject (any data) or an event (data of its schema's input type). Data is sent as JSON,
   * bytes (`Uint8Array`) as they are.
   *
   * From a durable handler the message carries an id made from app, handler, `id`, the number of the call and the
   * subject, so that a repeated run does not put it into a stream twice.
   *
   * Resolves when it is stored, where a stream takes the subject; otherwise when it is on its way. Rejects when it was not sent;
   * where that shows only after it has resolved, the message that is handled fails, as if nobody had awaited it.
   *
   * With `outputs: "atomic"` it is kept back until the function has returned, and resolves at once. Throws an Error with the code `"NOT_ATOMIC"` for what
   * cannot be stored with the rest, `"TOO_MANY_OUTPUTS"` for more than 999 messages or 32 MB.
   *
   * With `delay` or `at` it leaves later, with the same id: resolves when it is stored for that. Throws a TypeError with the
   * code `"UNKNOWN_OPTION"` for an option that there is not.
   */
  publish<const Target extends string | EventDefinition>(
    target: Publishable<Target>,
    data: PublishedOf<Target>,
    options?: PublishOptions,
  ): Promise<void>;

  /**
   * Make a schedule, or replace the one of that key: `await ctx.schedule("invoice-42", remind, { id: 42 }, { cron: "0 9 * * MON" })`.
   * From now on the data is published to the target at each planned time, once for all replicas of the app together, until
   * `ctx.unschedule` of the key. Keys are the app's; a schedule outlives the handler that made it. What is published has the headers
   * given here and no others, and its handler has the planned time as `ctx.scheduledFor`.
   *
   * Made again with the same times and target it goes on where it was, with the new data; with others it begins anew.
   *
   * Resolves when it is stored. Throws nothing, and rejects before anything is stored: with a TypeError that has the code
   * `"INVALID_NAME"` unless the key is a text of 1 to 200 characters, `"UNKNOWN_OPTION"` for an option that there is not,
   * `"INVALID_OPTION"` for a pattern that is none or never due, an unknown time zone or `missed`, an `every` that is not `"1s"` to `"365d"`;
   * with 501 without JetStream, 413 for what is too large for a message, 503, 504 or 507 while NATS does not take it. In a shadow run nothing is made.
   */
  readonly schedule: MakeSchedule;

  /**
   * Take the schedule of that key away, whoever has made it. Resolves with whether there was one; what is being published at that moment
   * may still arrive. Rejects as `schedule`. In a shadow run nothing is taken away, and it resolves with true.
   */
  readonly unschedule: (key: string) => Promise<boolean>;

  /**
   * Ask, and wait for one reply. Rejects when nobody takes the subject, when the reply is an error or cannot be read, and
   * at the timeout. Throws a TypeError with the code `"UNKNOWN_OPTION"` for an option that there is not.
   * The reply of a request that `defineRequest` has defined is checked: rejects with code 502 when it does not fit. Otherwise
   * its type is the caller's claim.
   */
  readonly request: Ask<RequestOptions>;

  /**
   * A bucket of JetStream's key-value store: `await ctx.kv("users").get("ann")`. Throws an Error with the code
   * `"BUCKET_NOT_DECLARED"` unless the metadata has `uses: { kv: ["users"] }`. What is written is written again by a repeated
   * run. In a shadow run writes go nowhere, and reads are real.
   */
  readonly kv: (bucket: string, options?: BucketOptions) => KvBucket;

  /**
   * Call `part`, of this message and `name`, unless a run of the message has called it to its end before: what it gave then is given
   * again. For what a retry must not repeat, such as a payment. It is kept as JSON, at most 64 KiB, for 40 days.
   *
   * A run that dies after `part` has done its work and before what it gave is kept has it called again, with the same `key`: hand that
   * on to a service that knows idempotency keys. When `part` throws, nothing is kept.
   *
   * Rejects with what `part` throws; with a TypeError that has the code `"NOT_DURABLE"` in a handler that is not `durable`,
   * `"ONCE_REPEATED"` for a second part of that name in a run, and `"INVALID_NAME"` unless the name is a text of 1 to 200 characters;
   * with 503, 504 or 507 while NATS does not answer, uncharged, and 403 where this NATS user may not; with a `GiveUp` for what JSON
   * cannot carry, or is larger: the message fails for good. In a shadow run `part` is called, and nothing is looked for or kept.
   */
  readonly once: Once;

  /**
   * Have the message be settled later: the function returns, its slot of `concurrency` is free, and the message stays in hand until
   * `done` or `fail` of what this gives is called. `timeout` is for the function alone; after `lease`, counted from its return, the
   * message has timed out: `signal` aborts, and it is retried. When the function throws, that is how it ends.
   *
   * For handlers of kind `durable` without `batch`, `orderBy` and `concurrency: "one"`. Throws a TypeError with the code
   * `"CANNOT_DEFER"` in others, `"INVALID_OPTION"` for a lease that is no duration from 1 s to 24 h; an Error with `"DEFERRED_TWICE"` for a second call in a run,
   * `"TOO_MANY_DEFERRED"` when 1,000 of the process wait. In a shadow run the message ends with the function.
   */
  readonly defer: Defer;

  /** A bucket of JetStream's object store, for contents beyond what a message can hold. For the rest as `kv`: `uses: { objects: ["files"] }`. */
  readonly objects: (bucket: string, options?: BucketOptions) => ObjectBucket;
}

/** What a handler of changes (`kv`, `objects`) is given beside the value. */
export interface ChangeContext extends HandlerContext {
  /** What has changed: the key, or the name of the object. */
  readonly key: string;
  /**
   * `"put"`: there is a value. `"delete"`, `"purge"`: the key is gone, by purge with its history, and the value is `undefined`. What was kept
   * for a while only, and whose time is up, is a purge. Objects are put and deleted.
   */
  readonly operation: "put" | "delete" | "purge";
  /** The number of the change in its bucket, as clients of it know it: later ones are higher. */
  readonly revision: number;
}
