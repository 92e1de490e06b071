// What `import ... from "nats-handlers/testing"` gives. The code behind it is the runtime's own: runtime/testing/.

import type { HeadersInput, MessageHeaders, Publishable } from "./context.ts";
import type { UserConfig } from "./define-config.ts";
import type { EventDefinition, PublishedOf } from "./define-event.ts";
import type { Duration } from "./duration.ts";

/** A handler file's exports: `import * as save from "../handlers/todo/save.ts"`. */
export interface HandlerExports {
  /** The handler's function. */
  readonly default: (event: never, ctx: never) => unknown;
  /** As the runtime reads it: what it would refuse rejects here too. */
  readonly metadata: object;
  /** Runs before the message; without an effect when `lifecycle` is false. */
  readonly setup?: unknown;
  /** Runs after the message; without an effect when `lifecycle` is false. */
  readonly teardown?: unknown;
}

/** A handler of changes gets no value where something is gone. */
type OfRemoval<Metadata> = Metadata extends { kv: string } | { objects: string } ? undefined : never;

/** What a test may publish to the handler: the input of its schema, bytes as they are, without a schema anything. */
export type TestPayload<Module extends HandlerExports> =
  | PublishedOf<Module["metadata"]>
  | Uint8Array
  | OfRemoval<Module["metadata"]>;

/** Something the handler published or requested. */
export interface SentMessage {
  /** Where it went. */
  readonly subject: string;
  /** As a receiver would read it: parsed JSON; bytes where it is no JSON; undefined when empty. */
  readonly data: unknown;
  /** Those the runtime adds are there too. */
  readonly headers: MessageHeaders;
  /** As a stream would have it: the same again when a repeated run publishes the same. */
  readonly id: string;
  /** As `delay` or `at` said it: it would leave so many milliseconds later, or then. Undefined: at once. */
  readonly leaves?: { readonly delayMs: number } | { readonly at: Date } | undefined;
}

/** A schedule that `ctx.schedule` has made. */
export interface TestSchedule {
  /** Where it publishes to. */
  readonly subject: string;
  /** What it publishes, as a receiver would read it. */
  readonly data: unknown;
  /** Those that were given. */
  readonly headers: MessageHeaders;
  /** Its pattern, where it has one. */
  readonly cron?: string;
  /** Of the pattern. */
  readonly timeZone?: string;
  /** Milliseconds between two of its times, where it has no pattern. */
  readonly everyMs?: number;
  /** What becomes of times at which nobody was there. */
  readonly missed: "skip" | "once" | "all";
}

/** A line of `ctx.log`. */
export interface LoggedLine {
  /** `"trace"`, `"debug"`, `"info"`, `"warn"`, `"error"` or `"fatal"`. */
  readonly level: string;
  /** The text. */
  readonly message: string;
  /** What was logged beside the text, as JSON carries it. Empty when there was nothing. */
  readonly fields: Readonly<Record<string, unknown>>;
}

/** How a run ended, as in the runtime's metrics and dead letters. */
export type TestOutcome =
  | "returned"
  | "filtered"
  | "threw"
  | "gave-up"
  | "retry-later"
  | "slow-down"
  | "invalid"
  | "not-serializable"
  | "timed-out";

/** What the runtime would do with the message after this run. */
export type TestSettlement =
  /** It is done. */
  | { readonly do: "done" }
  /** A stream has it acknowledged. */
  | { readonly do: "ack" }
  /** It comes again after `delayMs` milliseconds: the middle of the range that the runtime spreads it over. */
  | { readonly do: "retry"; readonly delayMs: number }
  /** It is kept with that reason and text, and not run again. */
  | { readonly do: "dead-letter"; readonly reason: string; readonly text: string }
  /** The requester gets the handler's reply. */
  | { readonly do: "reply" }
  /** The requester gets an error of that code. */
  | { readonly do: "reply-error"; readonly code: number; readonly text: string }
  /** It told its handler to slow down: it comes again after `delayMs` milliseconds, and no attempt is charged. */
  | { readonly do: "run-again"; readonly delayMs: number }
  /** NATS could not take what the handler published: it comes again, and no attempt is charged. */
  | { readonly do: "put-off" };

/** What one run of a handler did. */
export interface HandlerRun<Reply = unknown> {
  /** How it ended. */
  readonly outcome: TestOutcome;
  /** What was thrown, or what is wrong with the payload. Undefined when the handler returned. */
  readonly error: { readonly name: string; readonly message: string; readonly stack: string } | undefined;
  /** What follows from it. */
  readonly settlement: TestSettlement;
  /** What a requester would read. Undefined without a reply, and for handlers that are no `request` handlers. */
  readonly reply: Reply | undefined;
  /** What an `async function*` yielded, one for each message of the reply. */
  readonly replies: readonly unknown[];
  /** In their order. */
  readonly published: readonly SentMessage[];
  /** In their order. */
  readonly requested: readonly SentMessage[];
  /** In their order. */
  readonly logs: readonly LoggedLine[];
  /** What is in the buckets of `ctx.kv` when it has ended, by bucket and key: JSON as its value, else text, else bytes. */
  readonly kv: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** As `kv`, of `ctx.objects`. */
  readonly objects: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** What `ctx.schedule` has made and `ctx.unschedule` has not taken away when it has ended, by key. */
  readonly schedules: Readonly<Record<string, TestSchedule>>;
  /** What `ctx.once` has kept of the message when it has ended, by the name of the part; what the option `once` gave is there too. */
  readonly once: Readonly<Record<string, unknown>>;
}

export interface RunHandlerOptions {
  /** Published to. Needed when the handler's subject has wildcards, and it must match. Default: the handler's subject. */
  readonly subject?: string | undefined;
  /** Of a handler of changes: the key, or the name of the object, that has changed. Needed unless the handler takes one key only. */
  readonly key?: string | undefined;
  /** Of a handler of changes: what became of it; for `"delete"` and `"purge"` the payload is `undefined`. Default `"put"`. */
  readonly operation?: "put" | "delete" | "purge" | undefined;
  /** Headers of the message. Default none. */
  readonly headers?: HeadersInput | undefined;
  /** `ctx.scheduledFor`: as if the handler's schedule had published the message. Default: it had not. */
  readonly scheduledFor?: Date | undefined;
  /** Which run of the message this is, from 1. Default 1. */
  readonly attempt?: number | undefined;
  /** Number of the message in its stream, 1 or more: two messages have two ids. It is the revision of a change. Default 1. */
  readonly sequence?: number | undefined;
  /** In place of what `ctx.defer` says: how long the run waits to be settled after the function has returned. */
  readonly lease?: Duration | undefined;
  /** In place of the metadata's. `ctx.signal` aborts then, and a second later the run is given up. */
  readonly timeout?: Duration | undefined;
  /** Whether `setup` runs before and `teardown` after. Default true. */
  readonly lifecycle?: boolean | undefined;
  /**
   * Answers a request of the handler with what it gives; a throw is the replier's error, with the error's `code` where it
   * has a number there, else 500. Without it nobody takes the subject: 503.
   */
  readonly answer?: ((request: SentMessage) => unknown) | undefined;
  /** Sees each publish before it is taken; a throw refuses it, with the error's `code` where it has a number there, else 500. */
  readonly onPublish?: ((message: SentMessage) => unknown) | undefined;
  /**
   * What is in the buckets of `ctx.kv` before, by bucket and key: `{ users: { ann: { age: 4 } } }`. They are in memory. Those
   * that the metadata names in `uses` are there, empty by default.
   */
  readonly kv?: Readonly<Record<string, Readonly<Record<string, unknown>>>> | undefined;
  /** As `kv`, of `ctx.objects`. */
  readonly objects?: Readonly<Record<string, Readonly<Record<string, unknown>>>> | undefined;
  /**
   * What `ctx.once` has kept of the message before, by the name of the part, as in a run that is not the first: `{ charge: { id: "ch_1" } }`.
   * Those parts are not called. Default none.
   */
  readonly once?: Readonly<Record<string, unknown>> | undefined;
}

/** The type of what the handler returns. */
export type ReplyOf<Module extends HandlerExports> = Module["default"] extends (...args: never) => infer Result
  ? Awaited<Result>
  : never;

/**
 * Run one message through a handler as the runtime does: payload encoded and decoded, schema, context, verdicts,
 * settlement. There is no NATS and no process; time is the process's own.
 *
 * What `ctx.defer` has put off is waited for, as long as its lease. Never rejects for what the handler does: that is the outcome. Rejects with METADATA_INVALID for metadata that the
 * runtime would refuse, with a TypeError for a subject, header or payload that could not have been published, and with
 * what `setup` or `teardown` throws. A handler with `batch` is refused: `runBatch` runs it.
 */
export type RunHandler = <const Module extends HandlerExports>(
  module: Module,
  payload: TestPayload<Module>,
  options?: RunHandlerOptions,
) => Promise<HandlerRun<ReplyOf<Module>>>;

export declare const runHandler: RunHandler;

/** How one message of a batch has ended. */
export type BatchedMessage = Pick<HandlerRun, "outcome" | "error" | "settlement">;

/** What a handler did with a batch. */
export interface BatchOutcome
  extends Pick<HandlerRun, "published" | "requested" | "logs" | "kv" | "objects" | "schedules"> {
  /** In the order of the payloads. */
  readonly messages: readonly BatchedMessage[];
}

/**
 * Run several messages through a handler with `batch`, as the runtime does: those that are invalid or let pass do not reach the
 * function, and when it throws, halves are run until those that are to blame are alone. What such repeated runs publish
 * is there each time. `sequence` is that of the first message, the other options hold for each.
 *
 * Rejects as `runHandler`, and with a TypeError for a handler that takes one message at a time, and for more payloads than
 * its `size`, or none.
 */
export type RunBatch = <const Module extends HandlerExports>(
  module: Module,
  payloads: readonly TestPayload<Module>[],
  options?: RunHandlerOptions,
) => Promise<BatchOutcome>;

export declare const runBatch: RunBatch;

export interface TestRuntimeOptions {
  /** The project's root, where `handlers/` and `handlers.config.ts` lie. Default: the working directory. */
  readonly root?: string | undefined;
  /** The folder of the handler files, from the root. Default: what the configuration says. */
  readonly handlers?: string | undefined;
  /** Names or globs of the handlers to run: `["todo/*"]`. Default: all. */
  readonly only?: readonly string[] | undefined;
  /** In place of `handlers.config.ts`. Where NATS is, is the kit's to say. */
  readonly config?: UserConfig | undefined;
  /** Environment variables of the handlers, beside those of the process. Default none. */
  readonly env?: Readonly<Record<string, string>> | undefined;
}

/** Something a handler published or requested while it ran. */
export interface HandlerMessage extends SentMessage {
  /** Who did. */
  readonly handler: string;
  /** Which of the two. */
  readonly kind: "publish" | "request";
}

/** A line of `ctx.log`, and whose. */
export interface HandlerLine extends LoggedLine {
  /** Who wrote it. */
  readonly handler: string;
}

/** A message that failed for good. */
export interface TestDeadLetter {
  /** Its number, as `handlers dlq` has it. */
  readonly id: number;
  /** Whose message it was. */
  readonly handler: string;
  /** What it had been published to. */
  readonly subject: string;
  /** How its last run ended: `"invalid"`, `"threw"`, `"gave-up"`, ... */
  readonly reason: string;
  /** The last error's text. */
  readonly message: string;
  /** How often it was run. */
  readonly attempts: number;
  /** As its handler would read it: parsed JSON; bytes where it is no JSON; undefined when empty. */
  readonly data: unknown;
}

/** A message that was written to a file. */
export interface CapturedMessage {
  /** Name of its file. */
  readonly file: string;
  /** What it was published to. */
  readonly subject: string;
  /** Its own, without those of the server. */
  readonly headers: Readonly<Record<string, readonly string[]>>;
  /** Its bytes. */
  readonly payload: Uint8Array;
}

/**
 * Read what `handlers capture` and `handlers dlq export` have written: a file, or all of a folder in the order of their names.
 * `runHandler(save, message.payload, message)` and `app.publish(message.subject, message.payload, message)` take each.
 *
 * Throws an Error that names the file that is no message, and for a path that is not there. A relative one begins at the working directory.
 */
export type ReadMessages = (path: string | URL) => readonly CapturedMessage[];

export declare const readMessages: ReadMessages;

/** The real runtime, on a nats-server of its own. */
export interface TestRuntime extends AsyncDisposable {
  /** Where its nats-server is: for a client of yours. */
  readonly url: string;
  /** As any publisher would: to a subject (any data) or an event. Rejects with a TypeError for what cannot be published. */
  publish<const Target extends string | EventDefinition>(
    target: Publishable<Target>,
    data: PublishedOf<Target>,
    options?: { readonly headers?: HeadersInput | undefined; readonly id?: string | undefined },
  ): Promise<void>;
  /**
   * As any requester would. Rejects with the replier's error, its `code` beside its message; with 503 when nobody takes the
   * subject, with 504 when there is no reply within `timeout`, `"5s"` by default.
   */
  request<Reply = unknown>(
    target: string | EventDefinition,
    data?: unknown,
    options?: { readonly headers?: HeadersInput | undefined; readonly timeout?: Duration | undefined },
  ): Promise<Reply>;
  /**
   * Resolves when no message waits, runs or is to be run again, in any handler. Rejects after `timeout`, `"10s"` by default,
   * naming what it waited for.
   */
  idle(options?: { readonly timeout?: Duration | undefined }): Promise<void>;
  /**
   * Move the runtime's clock forward by `"10m"`: retries, schedules and what was published with `delay` or `at` that are due by
   * then happen at once, in their order, as often as in all that time. Resolves when what is due is done; what becomes due
   * later waits. Handlers' own clocks (`Date.now()`, timers), their timeouts, and ages that NATS minds stay as they are.
   *
   * Rejects after `timeout`, `"10s"` by default, for each step, naming what it waited for.
   */
  advance(by: Duration, options?: { readonly timeout?: Duration | undefined }): Promise<void>;
  /** What handlers published to that subject (or event), or to any, in their order. */
  published(target?: string | { readonly subject: string }): readonly HandlerMessage[];
  /** What handlers requested, as `published`. */
  requested(target?: string | { readonly subject: string }): readonly HandlerMessage[];
  /** Lines of `ctx.log` of a handler, or of all, in their order. */
  logs(handler?: string): readonly HandlerLine[];
  /** What handlers have made by `ctx.schedule`, and nobody has taken away, by key. */
  schedules(): Promise<Readonly<Record<string, TestSchedule>>>;
  /** What is kept as failed, oldest first. */
  deadLetters(): Promise<readonly TestDeadLetter[]>;
  /** Ends the runtime and its server. Calling twice is safe. */
  close(): Promise<void>;
}

/**
 * Start the real runtime (processes, JetStream, retries, dead letters) on a nats-server of its own: a free port, data in a
 * temporary folder. Any number may run side by side.
 *
 * Rejects with what keeps a handler from serving, with CONFIG_INVALID and CONFIG_UNREADABLE, with
 * NATS_SERVER_UNAVAILABLE when there is no nats-server to run, and with NATS_SERVER_FAILED when it does not come up.
 */
export declare const startTestRuntime: (options?: TestRuntimeOptions) => Promise<TestRuntime>;

/** One place at which the handler's process was killed, and what came of it. */
export interface CrashPoint {
  /** Where: `"after the publish to orders.billed"`, `"after the await in handlers/orders/bill.ts:12"`. */
  readonly at: string;
  /** The run in which the message came again, to its end. */
  readonly again: Omit<HandlerRun, "kv" | "objects" | "once" | "schedules">;
  /** By both runs, in their order. */
  readonly published: readonly SentMessage[];
  /** Published by both under one id: a stream has them once, a core subscriber gets them twice. */
  readonly repeated: readonly SentMessage[];
  /** Published by the run that was killed alone: the second run went another way, or in another order. */
  readonly orphaned: readonly SentMessage[];
}

export interface CrashPointOptions
  extends Omit<RunHandlerOptions, "lifecycle" | "onPublish" | "kv" | "objects" | "once" | "lease"> {
  /** The project's root, in which the handler runs. Default: the working directory. */
  readonly root?: string | undefined;
  /** Environment variables of the handler, beside those of the process. Default none. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Runs before each pair of runs: puts back what the handler changes, such as its database. */
  readonly before?: (() => unknown) | undefined;
  /** Runs after each pair: looks at what the handler has left. What it throws, `crashPoints` rejects with. */
  readonly after?: ((point: CrashPoint) => unknown) | undefined;
}

/**
 * Kill a handler's process (SIGKILL) after each publish, request and `await` of its own code in turn, before `ctx.once` keeps
 * something, and after its end;
 * each time have the message come again, in a new process, to its end. A place in a loop is tried twice at most.
 *
 * `file` is the handler's, as a path or a file URL: it is built as the runtime builds it, and runs in processes of its
 * own, on whatever database its `setup` connects to.
 *
 * There are no buckets: `ctx.kv` and `ctx.objects` reject with 501. Resolves with every point. Rejects with BUNDLE_FAILED, with METADATA_INVALID, with what `setup` throws, and when the process ends
 * by itself.
 */
export type CrashPoints = (
  file: string | URL,
  payload: unknown,
  options?: CrashPointOptions,
) => Promise<readonly CrashPoint[]>;

export declare const crashPoints: CrashPoints;
