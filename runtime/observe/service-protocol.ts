// NATS's own service protocol (ADR-32): the app is a service, every handler an endpoint. `nats micro ls`, `info` and
// `stats` show them.
//
// S1  Nine plain subscriptions, outside of any queue group: every replica answers.
// S2  The callbacks never throw: a throw would silently deafen the whole connection (nats.js).
// S3  Answers are made when asked. An endpoint is what can be called: a handler that is disabled, or has no version that
//     serves, is not among them; its counters go on when it comes back.
// S4  Names fit the pattern, the version is semver, times are whole nanoseconds: the NATS CLI refuses the answers of all
//     services when one does not fit its schema.

import { createHash } from "node:crypto";
import type { Msg, NatsConnection, Subscription } from "@nats-io/transport-node";
import type { Clock, Timer } from "../clock.ts";
import type { Emit } from "../events.ts";
import { claims, claimsText } from "../metadata/claims.ts";
import { isBound } from "./health.ts";
import type { HandlerReading, RuntimeSource } from "./metrics-source.ts";

export interface ServiceProtocolOptions {
  readonly connection: NatsConnection;
  readonly source: RuntimeSource;
  /** Of `event` and `request` handlers. */
  readonly queueGroup: (handler: string) => string;
  readonly startedAtMs: number;
  readonly clock: Clock;
  readonly emit: Emit;
}

type Verb = "PING" | "INFO" | "STATS";

const VERBS: readonly Verb[] = ["PING", "INFO", "STATS"];
/** Many run without the right for good: each try is a line in the server's log. */
const RETRY_MS = 60_000;
const NS_PER_MS = 1e6;

export class ServiceProtocol {
  private readonly options: ServiceProtocolOptions;
  private readonly subscriptions: Subscription[] = [];
  private refused = false;
  private told = false;
  private retry: Timer | undefined;

  constructor(options: ServiceProtocolOptions) {
    this.options = options;
  }

  /**
   * Resolves when the server has confirmed it. Without the right to subscribe the service is not shown, and nothing else
   * is amiss; it is tried again every minute. Calling again begins anew.
   */
  async listen(): Promise<void> {
    for (const subscription of this.subscriptions.splice(0)) subscription.unsubscribe();
    this.refused = false;
    const { connection, source } = this.options;
    const { app, instance } = source;
    const subjects = VERBS.flatMap((verb) =>
      subjectsOf(verb, app, instance).map((subject) => [verb, subject] as const),
    );
    for (const [at, [verb, subject]] of subjects.entries()) {
      if (this.refused) break;
      this.subscribe(verb, subject);
      // The first one is asked for alone, so that a refusal is told once and not nine times.
      if (at === 0) await connection.flush();
    }
    await connection.flush();
  }

  /** Never rejects. */
  async close(): Promise<void> {
    this.retry?.cancel();
    // A subscription that cannot be drained has gone already.
    await Promise.all(this.subscriptions.map((subscription) => subscription.drain().catch(() => undefined)));
  }

  private subscribe(verb: Verb, subject: string): void {
    const callback = (error: Error | null, request: Msg) => {
      try {
        if (error === null) request.respond(JSON.stringify(answerTo(verb, this.options)));
        else this.refuse(subject, error);
      } catch (fault) {
        this.tell(`a "${subject}" request could not be answered: ${fault instanceof Error ? fault.message : fault}`);
      }
    };
    this.subscriptions.push(this.options.connection.subscribe(subject, { callback }));
  }

  private refuse(subject: string, { message }: Error): void {
    this.refused = true;
    // Once: without the right nothing else is amiss, and that it came back needs no word.
    if (!this.told) this.tell(`the app is not shown by \`nats micro ls\`: subscribing to "${subject}": ${message}`);
    this.told = true;
    this.retry ??= this.options.clock.after(RETRY_MS, () => {
      this.retry = undefined;
      // A lost connection subscribes again by itself when it is back.
      this.listen().catch(() => undefined);
    });
  }

  private tell(message: string): void {
    this.options.emit({ type: "runtime.notice", level: "warn", message });
  }
}

/** All that a service is asked on; `*` for any instance. */
export function serviceSubjects(app: string, instance: string): string[] {
  return VERBS.flatMap((verb) => subjectsOf(verb, app, instance));
}

function subjectsOf(verb: Verb, app: string, instance: string): string[] {
  return [`$SRV.${verb}`, `$SRV.${verb}.${app}`, `$SRV.${verb}.${app}.${instance}`];
}

function answerTo(verb: Verb, options: ServiceProtocolOptions): object {
  switch (verb) {
    case "PING":
      return identity(options, "ping");
    case "INFO":
      return serviceInfo(options);
    case "STATS":
      return serviceStats(options);
  }
}

export function serviceInfo(options: ServiceProtocolOptions): object {
  return {
    ...identity(options, "info"),
    description: `handlers of app ${options.source.app}`,
    endpoints: endpointsOf(options).map((handler) => ({
      ...endpoint(handler, options),
      metadata: metadataOf(handler),
    })),
  };
}

export function serviceStats(options: ServiceProtocolOptions): object {
  return {
    ...identity(options, "stats"),
    started: new Date(options.startedAtMs).toISOString(),
    endpoints: endpointsOf(options).map((handler) => ({ ...endpoint(handler, options), ...numbersOf(handler) })),
  };
}

function identity({ source }: ServiceProtocolOptions, answer: "ping" | "info" | "stats") {
  const { app, instance, version } = source;
  return {
    type: `io.nats.micro.v1.${answer}_response`,
    name: app,
    id: instance,
    version,
    metadata: { runtime: "nats-handlers" },
  };
}

/** S3. */
function endpointsOf({ source }: ServiceProtocolOptions): HandlerReading[] {
  return source.handlers().filter(isBound);
}

/** An endpoint has one subject: the handler's others stand in the metadata. */
function endpoint({ status }: HandlerReading, { queueGroup }: ServiceProtocolOptions) {
  const { name, kind, everyReplica } = status;
  const [subject] = claims(status);
  // A durable handler shares the messages of a consumer, not of a queue group.
  const hasGroup = kind !== "durable" && everyReplica !== true;
  return { name: endpointName(name), subject, queue_group: hasGroup ? queueGroup(name) : "" };
}

/**
 * Handler names may hold `/` and `.`; names of endpoints may not. No two handlers have the same: a folder is `_`, and what is
 * `_` already is `__` (no folder or file of a handler begins with one); a name with a dot, which few have, ends in a mark.
 */
export function endpointName(handler: string): string {
  const name = handler.replaceAll("_", "__").replace(/[/.]/g, "_");
  return handler.includes(".") ? `${name}-${createHash("sha256").update(handler).digest("hex").slice(0, 8)}` : name;
}

function metadataOf({ status, description }: HandlerReading): Record<string, string> {
  const { name: handler, kind = "", file, version = "", state } = status;
  const subjects = claims(status);
  const several = subjects.length > 1 ? { subjects: claimsText(subjects) } : {};
  return { handler, kind, file, version, state, ...several, ...(description === "" ? {} : { description }) };
}

function numbersOf({ stats }: HandlerReading) {
  const { returned = 0, filtered = 0, ...others } = stats.outcomes;
  const errors = Object.values(others).reduce((sum, count) => sum + count, 0);
  const requests = returned + filtered + errors;
  const processingTime = Math.round(stats.durations.sumMs * NS_PER_MS);
  return {
    num_requests: requests,
    num_errors: errors,
    last_error: stats.lastError,
    processing_time: processingTime,
    average_processing_time: requests === 0 ? 0 : Math.floor(processingTime / requests),
  };
}
