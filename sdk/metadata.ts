// What a handler file exports as `metadata`.

import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { ChangeContext, HandlerContext } from "./context.ts";
import type { PayloadOf, PublishedOf } from "./define-event.ts";
import type { Duration } from "./duration.ts";
import type { FieldKey, HeaderKey, MessageKey } from "./message-key.ts";
import type { PayloadFormat } from "./payload.ts";
import type { Schedule } from "./schedule.ts";
import type { Size } from "./size.ts";
import type { UsedBuckets } from "./stores.ts";

export interface RetryPolicy {
  /** Runs in all, the first one included, 1 to 1,000. Default 5. */
  attempts?: number | undefined;
  /**
   * Wait before each further run; the last one repeats. A little randomness is added.
   * Default `["1s", "5s", "30s", "2m", "10m"]`.
   */
  backoff?: Duration | readonly Duration[] | undefined;
}

/** Whichever comes first; looked at once a second. */
export interface RecyclePolicy {
  /** After this many messages, 1 or more. */
  messages?: number | undefined;
  /** After this long, `"1s"` or more. */
  age?: Duration | undefined;
}

export interface CanaryPolicy {
  /** Share of the messages that a new version gets at first, in per cent, 1 to 50. */
  percent: number;
  /** So many messages it must have handled, in a replica, before it gets all of them there, 1 or more. Default 100. */
  messages?: number | undefined;
  /** By so many percentage points its failure rate may be above that of the version before, 0 to 100. Default 5. */
  tolerance?: number | undefined;
}

/** So many in a second, a minute or an hour. */
export type RateLimit = `${number}/${"s" | "m" | "h"}`;

export interface RatePolicy {
  /** At most so many begin, evenly, from one in an hour to `"10000/s"`. */
  limit: RateLimit;
  /**
   * `"replica"`: in each replica. `"fleet"`: in all replicas together; needs JetStream, in which replicas reserve their turns. While it
   * does not answer no message begins. Default `"replica"`.
   */
  per?: "replica" | "fleet" | undefined;
  /**
   * Each key has the limit for itself: messages of a key that has no turn wait in the replica, as many as `maxQueued`, and those of other
   * keys pass by. Default: all messages together.
   */
  key?: MessageKey | undefined;
}

export interface FairPolicy {
  /** Messages that have it in common wait behind each other; those that have another one do not. */
  key: MessageKey;
  /** At most so many of one key run at a time **in each replica**, 1 to 10,000. Default: as many as `concurrency` has room for. */
  concurrency?: number | undefined;
}

export interface BatchPolicy {
  /** Most messages in one batch, 1 to 1,000. A batch of 8 MB is full as well. */
  size: number;
  /** How long a message waits for others to join it, `"0s"` to `"1m"`. Default `"200ms"`. */
  wait?: Duration | undefined;
  /**
   * Only messages that have this in common are in one batch. Batches of several keys gather side by side, each with a `wait` of its
   * own. In each worker are 16 times as many messages in hand then as run, 10,000 at most: a batch begins early where they
   * are of so many keys that no more fit. Default: all may be together.
   */
  key?: MessageKey | undefined;
}

export interface DebouncePolicy {
  /** For so long no further message of the key must have come, `"1ms"` to `"1d"`. */
  wait: Duration;
  /** One is run at the latest so long after the first that waited, `wait` to `"7d"`. Default: not while others come. */
  max?: Duration | undefined;
  /** What messages have in common of which the last is run. Default: all have it in common. */
  key?: MessageKey | undefined;
}

export interface ThrottlePolicy {
  /** After a message of a key that is run, the others are let pass for so long, `"1ms"` to `"7d"`. */
  every: Duration;
  /** What messages have in common of which the first is run. Default: all have it in common. */
  key?: MessageKey | undefined;
}

/** A method, so that a function of a narrower event is one too. */
interface KeyOf<Event> {
  key(event: PayloadOf<Event>, message: FilteredMessage): string;
}

/**
 * Order over all replicas: the runtime keeps a stream for the handler, with a copy of its messages, divided by the key into
 * partitions. One message of each partition runs at a time.
 */
interface Partitioned {
  /**
   * Most keys that run at the same time over all replicas, 1 to 64; a key that waits for its retry holds up the others of
   * its partition. Default 8. When it changes, what is divided the old way is handled first.
   */
  partitions?: number | undefined;
}

/** By a token of the subject. The server makes the copy. */
export interface WildcardOrder extends Partitioned {
  /** Which `*` of `subject` has the key, 0 for the first. */
  wildcard: number;
}

/** By a header. The replicas make the copy, one message at a time. */
export interface HeaderOrder extends Partitioned, HeaderKey {}

/** By a field of the content. The replicas make the copy, one message at a time. */
export interface FieldOrder extends Partitioned, FieldKey {}

/** What `when` and `orderBy` may look at beside the content: `key`, `operation` and `revision` are those of a change. */
export type FilteredMessage = Pick<HandlerContext, "subject" | "wildcards" | "headers" | "attempt"> &
  Partial<Pick<ChangeContext, "key" | "operation" | "revision">>;

/**
 * A handler's options. Only `subject` is needed; the defaults named here can be changed in `handlers.config.ts`. With `kv` or
 * `objects` it takes the changes of a bucket of NATS's own stores instead of messages.
 *
 * `HandlerMetadata<typeof anEvent>` types the argument of `orderBy`.
 */
export type HandlerMetadata<Event = unknown> = HandlerOptions<Event> & (OfMessages | OfKeys | OfObjects);

/** It takes messages. */
export interface OfMessages {
  /**
   * The NATS subject to take messages from, or a list of 1 to 100, of which no two overlap. `*` stands for one token, a last
   * `>` for all that follow. A durable handler has a consumer for each; they may be in different streams.
   */
  subject: string | readonly string[];
  /** See `OfKeys`. */
  kv?: undefined;
  /** See `OfObjects`. */
  objects?: undefined;
}

/** It takes the changes of keys. */
export interface OfKeys {
  /** Changes are stored, and each is handled at least once. */
  kind: "durable";
  /**
   * A bucket of NATS's key-value store. The function is called for what changes in it: with the value, or with `undefined` where
   * the key is gone, and with a `ChangeContext`. What the bucket has forgotten before it was handled is not: with a history of 1, the default
   * of buckets, that is each value that has a successor. Refused beside `objects`, `stream`, `schedule` and `envelope: "nest"`.
   */
  kv: string;
  /** The keys to take: one, a pattern such as `"profile.*"`, `">"` for all, or a list of 1 to 100, of which no two overlap. */
  subject: string | readonly string[];
  /** See `OfObjects`. */
  objects?: undefined;
}

/** It takes the changes of objects. */
export interface OfObjects {
  /** Changes are stored, and each is handled at least once. */
  kind: "durable";
  /**
   * A bucket of NATS's object store. The function is called for each object that is put or removed: with what the store says of it
   * (`ObjectAbout`, or the output of `schema`), or with `undefined` where it is gone, and with a `ChangeContext`. Its content is not read. What
   * was put anew or removed before it was handled is not. Refused beside `subject`, `kv`, `stream`, `schedule`, `payload` and `envelope: "nest"`.
   */
  objects: string;
  /** Names of objects are encoded in it: `when` sees their `key`. */
  subject?: undefined;
  /** See `OfKeys`. */
  kv?: undefined;
}

/** What NATS's object store says of an object. */
export interface ObjectAbout {
  /** As it was given. */
  readonly name: string;
  /** The bucket's. */
  readonly bucket: string;
  /** Of this content: another one has another. */
  readonly nuid: string;
  /** In bytes. */
  readonly size: number;
  /** In how many messages it is stored. */
  readonly chunks: number;
  /** `"SHA-256=..."`. */
  readonly digest?: string | undefined;
  /** For people. */
  readonly description?: string | undefined;
  /** What whoever put it has said of it beside. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  /** Likewise, as headers. */
  readonly headers?: Readonly<Record<string, readonly string[]>> | undefined;
}

/** What every handler can say beside what it takes. */
export interface HandlerOptions<Event = unknown> {
  /**
   * `"event"`: core NATS, at most once. `"durable"`: JetStream, at least once. `"request"`: core NATS, what the
   * function returns is the reply. Default `"event"`.
   */
  kind?: "event" | "durable" | "request" | undefined;
  /**
   * Durable only: the stream to take from, where the subject does not tell it: a mirror, a stream that has sources or
   * changes subjects (`subject_transform`). `subject` is then the subject as that stream stores it. Default: the stream
   * that takes the subject.
   */
  stream?: string | undefined;
  /** Durable only: the JetStream domain that has the stream, such as that of a hub, seen from a leaf node. */
  domain?: string | undefined;
  /**
   * Durable only: where a handler begins that meets its stream for the first time. `"all"`: with the oldest message that is
   * stored. `"new"`: with what is stored from then on. A time such as `"2030-01-31T18:30:00Z"`: with what was stored then or
   * later. After that it goes on from its own place, whatever is said here. With `replicas: "each"` every start is the first time; `"last"`,
   * which is refused without it: with the last message of each subject. Default `"all"`, with `replicas: "each"` `"new"`.
   */
  from?: "all" | "new" | "last" | (string & {}) | undefined;
  /**
   * When it runs by itself, once for all replicas together: a message is published to its subject at each planned time, and
   * `ctx.scheduledFor` says which. `"0 5 * * *"`, `{ cron: "0 5 * * *", timeZone: "Europe/Berlin" }`, `{ every: "5m" }`. Needs
   * one subject, without wildcards, and JetStream. Not for requests. Default: never.
   */
  schedule?: Schedule<PublishedOf<Event>> | undefined;
  /** Any Standard Schema. The function receives its output; a payload it refuses never reaches the function. */
  schema?: StandardSchemaV1 | undefined;
  /**
   * Request only: any Standard Schema of what the function returns, or of each value it yields. What it refuses is not sent:
   * the requester gets error 500, and the log says why. See `defineRequest`. Default: anything.
   */
  reply?: StandardSchemaV1 | undefined;
  /**
   * What the function receives. `"json"`: the value, and `undefined` for an empty message; what is not JSON is refused. A
   * `Content-Type` header of the message changes that: text for `text/*`, a `Uint8Array` for other types. `"bytes"`: always
   * a `Uint8Array`. A codec: what its `decode` gives. A schema is given the same. Default `"json"`.
   */
  payload?: PayloadFormat | undefined;
  /**
   * In what messages are wrapped. `"nest"`: in the packets of NestJS's NATS transport. The function and the schema get the
   * packet's `data`, replies and errors go back as Nest clients expect them, and what is no packet is refused. The function
   * may return an Observable. Refused beside a `payload` other than `"json"`, and beside `schedule`. Default `"none"`.
   */
  envelope?: "none" | "nest" | undefined;
  /** For people: shown by `handlers list`. */
  description?: string | undefined;
  /**
   * Messages running at the same time in one replica, 1 to 10,000. Default 16; with `batch` batches, and 1. `"one"`, for durable handlers of one subject:
   * one at a time over all replicas, in the order of the stream, retries included. Those behind a message that waits for
   * its retry wait with it. More than one of `workers` is refused.
   */
  concurrency?: number | "one" | undefined;
  /**
   * The function is given several messages at a time, an array of their contents and a `BatchContext`. Each is decoded,
   * checked and settled by itself. When the function throws, halves of the batch are tried until those that are to blame are
   * alone; the others are charged no attempt. `RetryLater` and `SlowDown` hold for all of it. `concurrency` and `timeout` are
   * those of batches, and `concurrency` is 1 by default. Events and durable messages; refused beside `concurrency: "one"`,
   * `orderBy`, `rate` and `schedule`, and where `size` times `concurrency` is more than 10,000. Default: one message at a time.
   */
  batch?: BatchPolicy | undefined;
  /**
   * Event and durable only: at most so many messages begin in a second, a minute or an hour, evenly: `"100/s"`, `"30/m"`, `"500/h"`,
   * from one to `"10000/s"`, **in each replica**; over all of them, or for each key of the messages, as a `RatePolicy` says. Retries count
   * too. What waits for its turn takes up no slot of `concurrency`, is charged no attempt and no time; stored messages wait in the
   * stream, events in the queue (`maxQueued`). Refused for requests and beside `batch`. Default: as fast as they can.
   */
  rate?: RateLimit | RatePolicy | undefined;
  /**
   * Event and durable only: messages of different keys take turns, so that one of a quiet key does not wait behind another key's flood.
   * Stored messages that wait are kept in the replica, as many as `maxQueued` (200,000 by default here) and 64 MB: so far a flood is
   * looked past. No attempt is charged, but when the process is killed. Refused for requests, beside `batch`, `orderBy` and
   * `concurrency: "one"`, and beside a `rate` of another key. Default: in the order in which they come.
   */
  fairBy?: FairPolicy | undefined;
  /** Longest run of one message, `"1ms"` to `"24d"`. Then `ctx.signal` aborts, and a second later the worker is ended. Default `"30s"`. */
  timeout?: Duration | undefined;
  /**
   * Event and durable only. `"share"`: each message goes to one replica. `"each"`: every replica has every message, as caches and
   * connections to browsers need; what is published while a replica is away is not for it, but for what `from` says. A durable handler
   * has a consumer for each replica then, which goes with it. Refused for durable handlers beside `singleton`, `concurrency: "one"`, `orderBy` over
   * all replicas, `debounce`, `throttle`, `schedule` and `canary`. Default `"share"`.
   */
  replicas?: "share" | "each" | undefined;
  /**
   * Durable only: one replica runs the handler, and the others stand by. When that one stops, another takes over within a second or
   * two; when it is killed or cut off, within seven. A function as `orderBy` holds over all replicas then. It is no lock: what a replica that was
   * cut off had begun goes on. Default false.
   */
  singleton?: boolean | undefined;
  /** Durable only: how often, and how far apart, a failing message is run. */
  retry?: RetryPolicy | undefined;
  /** Durable only: a message older than this becomes a dead letter unrun. Default: never. */
  expires?: Duration | undefined;
  /**
   * Events and durable messages for which this gives false are let pass: acknowledged unrun, and counted as `filtered`. It is
   * given the content as it was decoded, before the schema sees it: `when: (event: { type?: string }) => event.type === "paid"`.
   * It must give true or false at once; a throw is a failure of the message. Refused for requests, which would have no
   * answer. Default: every message is run.
   */
  when?(event: unknown, message: FilteredMessage): boolean;
  /**
   * Durable only, over all replicas: of the messages of a key the last one is run, once no further one has come for `wait`. Until
   * then it takes up no slot and is charged no attempt; those before it are acknowledged unrun, and counted as `filtered`.
   * Refused beside `throttle`, `when`, `orderBy`, `schedule` and `concurrency: "one"`. Default: each message is run.
   */
  debounce?: DebouncePolicy | undefined;
  /**
   * Durable only, over all replicas: of the messages of a key the first one is run, and those that come within `every` after it
   * are acknowledged unrun, and counted as `filtered`. Its retries are not held up. Refused beside `debounce` and `when`. Default:
   * each message is run.
   */
  throttle?: ThrottlePolicy | undefined;
  /**
   * Durable only. A function: messages for which it gives the same key run one after another, **within a replica**. It may
   * look at the message too: `(_, { subject }) => subject` keeps the order of the changes of each key of a bucket.
   * `{ wildcard: 0 }`: those with the same token at that `*` of the subject run one after another **over all replicas**,
   * retries included; `{ header: "tenant" }` and `{ field: "tenant.id" }`: those with the same header or field. Needs nats-server 2.10.
   * Refused for several subjects, and beside `batch`, `kv` and `objects`. Default: in any order.
   */
  orderBy?: KeyOf<Event>["key"] | WildcardOrder | HeaderOrder | FieldOrder | undefined;
  /**
   * Durable only. `"atomic"`: what the function publishes is kept back until it has returned, and then stored as one, beside a mark that the
   * message is handled; a message that comes again stores nothing twice. An awaited `ctx.publish` says that the message is kept back, not that
   * it is stored: where the function throws, nothing is. At most 999 messages and 32 MB in a run, all to one stream, which has `allow_atomic`
   * (nats-server 2.12) and takes `outputs.<app>.<handler>.*`. `ctx.publish` throws `NOT_ATOMIC` for `delay` and `at`, within `ctx.once` and in the outbox of an
   * `effect`, and `TOO_MANY_OUTPUTS`. Refused beside `batch`, `replicas: "each"` and `domain`; `ctx.defer` is refused. Default `"each"`: each is
   * stored when it is published.
   */
  outputs?: "each" | "atomic" | undefined;
  /**
   * What the function publishes and requests: events, or subjects, which may have wildcards. Nothing is refused by it;
   * `handlers permissions` grants it. At most 1,000. Default none.
   */
  publishes?: readonly (string | { readonly subject: string })[] | undefined;
  /**
   * Headers that go on from a message to all that the function publishes and requests while it handles it, in any case:
   * `["x-request-id"]`. What the function gives itself wins. Names that start with `Nats-` or `Handlers-`, `Content-Type` and those of
   * the trace, which goes on by itself, are refused. At most 1,000. Default none.
   */
  propagate?: readonly string[] | undefined;
  /**
   * Buckets that the function reads and writes by `ctx.kv` and `ctx.objects`, by name: `{ kv: ["users"] }`. `handlers permissions`
   * grants them, `handlers dev` and `start --provision` make those that are not there, and others are refused. At most 1,000 each. Default none.
   */
  uses?: UsedBuckets | undefined;
  /**
   * Heap of the handler's process, `"16MB"` or more. What it holds in all, the processes that it starts included, may be
   * 128 MB more (Linux only). Default `"256MB"`.
   */
  memory?: Size | undefined;
  /** Names of environment variables the handler may read. A missing one fails the handler at start; `NATS_*` is refused. Default none. */
  env?: readonly string[] | undefined;
  /** Time without messages after which the process is given up, `"1s"` or more; the next message starts one. Default `"5m"`. */
  idle?: Duration | "never" | undefined;
  /** When a process is replaced by a fresh one, without losing a message. Default: never. */
  recycle?: RecyclePolicy | undefined;
  /** Processes kept even when idle, 0 to `workers`. Default 0. */
  minWorkers?: number | undefined;
  /** Processes per replica, 1 to 256: more than one is for work that fills a CPU. Default 1. */
  workers?: number | undefined;
  /**
   * One process at a time in each replica: a new version is set up after the old one has ended, and messages wait
   * meanwhile. For what `setup` can hold only once, such as a port. `workers` above 1 is refused. Default false.
   */
  exclusive?: boolean | undefined;
  /**
   * Request and durable: a new version gets this share of the messages at first, in per cent, beside the version before. Once
   * it has handled enough of them it gets all; when it fails more often than the version before, or its process ends, every replica goes back to that one.
   * `10` means `{ percent: 10, messages: 100, tolerance: 5 }`. Refused beside `exclusive`, `orderBy`, `batch`, `concurrency: "one"` and more
   * than one of `workers`. Default: a new version gets all messages at once.
   */
  canary?: number | CanaryPolicy | undefined;
  /**
   * Handlers that name the same group share one process in each replica: its modules, its memory and so its connections to
   * databases. What one of them does to the process it does to all: a loop holds up the others, and a crash interrupts them,
   * whose messages run again, uncharged. A save of one brings all of them up in a new process. Its memory is the largest `memory` of them, its
   * variables are all of their `env`. 1 to 64 letters, digits, `_` and `-`. Refused beside `workers` above 1, `exclusive`, `canary`,
   * `recycle`, `idle` and `minWorkers: 0`. Default: a process of its own.
   */
  group?: string | undefined;
  /** Most messages waiting in one replica, 1 to 1,000,000; further ones are dropped, or refused to requesters. Default 10,000. */
  maxQueued?: number | undefined;
  /** Do not bind this handler. Default false. */
  disabled?: boolean | undefined;
}
