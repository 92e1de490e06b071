// What `import ... from "nats-handlers/client"` gives: for applications that publish and ask, and run no handlers. In browsers
// too, over WebSocket.

import { errors, type NatsConnection, nuid } from "@nats-io/nats-core";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { ClientError, InvalidDataError, ReplyError } from "./client-errors.ts";
import { laterOf, storeLater } from "./client-later.ts";
import type { ClientPublishOptions } from "./client-options.ts";
import { checkAgainst, encodeData, encodeHeaders, messageOf, readReply } from "./client-payload.ts";
import { causeOf, type Stored, store, storedBy } from "./client-stored.ts";
import { TakingStreams } from "./client-streams.ts";
import type { Ask, AskOptions, Publishable } from "./context.ts";
import type { EventDefinition, PublishedOf } from "./define-event.ts";
import { type Duration, parseDuration } from "./duration.ts";
import { TTL_HEADER, ttlRefusal, ttlValue } from "./message-ttl.ts";
import { describeIssues } from "./schema-issues.ts";
import { publishSubjectProblem } from "./subject.ts";

export { ClientError, type ClientIssue, InvalidDataError, ReplyError } from "./client-errors.ts";
export type {
  ClientPublishAfter,
  ClientPublishAt,
  ClientPublishFor,
  ClientPublishOptions,
  ClientSendOptions,
} from "./client-options.ts";
export type { Stored } from "./client-stored.ts";

export interface ClientOptions {
  /** Longest wait where a call does not say otherwise. Default `"5s"`. */
  readonly timeout?: Duration | undefined;
  /** Name of the app whose replicas publish what has a `delay` or `at`, as `app` of its configuration has it. Default none. */
  readonly app?: string | undefined;
}

export interface Client {
  /**
   * Publish to a subject (any data) or an event (data of its schema's input type, checked before anything is sent). Data is
   * sent as JSON, bytes (`Uint8Array`) as they are.
   *
   * Resolves with where it is stored, when a stream takes the subject: no handler of kind `durable` misses it then. Else
   * with undefined, when the server has it; it is gone if nobody listens. Rejects with InvalidDataError, or with ClientError:
   * 400 no such subject or option, or a `ttl` where none is allowed, 409 the stream refuses it, 413 too large, 503 not connected, 504 not confirmed in time
   * (it may be stored: publish it again with the same `id`), 507 the stream takes nothing now.
   *
   * With `delay` or `at` it resolves with where it waits, `LATER_<app>`. Rejects with 400 without the client's `app`, 501 without
   * JetStream, 503 where the app has no such stream.
   */
  publish<const Target extends string | EventDefinition>(
    target: Publishable<Target>,
    data: PublishedOf<Target>,
    options?: ClientPublishOptions,
  ): Promise<Stored | undefined>;

  /**
   * Ask, and wait for one reply. What is asked is checked before it is sent; the reply of a request that `defineRequest` has
   * defined is checked when it arrives. Otherwise its type is the caller's claim.
   *
   * Rejects with InvalidDataError; with ReplyError when the reply is an error, with its code and issues, or cannot be read
   * or does not fit (502); with ClientError: 400 no such subject or option, or a stream takes the subject, 413 too large,
   * 503 nobody takes the subject, 504 no reply in time.
   */
  readonly request: Ask;
}

type Target =
  | string
  | { readonly subject: string; readonly schema?: StandardSchemaV1; readonly reply?: StandardSchemaV1 };

const DEFAULT_TIMEOUT = "5s";
const PUBLISH_OPTIONS = ["headers", "timeout", "id", "delay", "at", "ttl"];
const REQUEST_OPTIONS = ["headers", "timeout", "payload"];

/**
 * A client on a connection of yours (`connect` of `@nats-io/transport-node`, `wsconnect` of `@nats-io/nats-core`): it publishes
 * and asks as handlers do, typed and checked by the same definitions. The connection stays yours: close it yourself.
 *
 * Throws a ClientError (400) for a timeout that is no duration.
 */
export function createClient(
  connection: NatsConnection,
  { timeout = DEFAULT_TIMEOUT, app }: ClientOptions = {},
): Client {
  const longestMs = readTimeout(timeout);
  const streams = new TakingStreams(connection);

  async function outgoing(target: Target, data: unknown, doing: string) {
    const subject = subjectOf(target);
    const schema = typeof target === "string" ? undefined : target.schema;
    const { issues } = schema === undefined ? { issues: [] } : await checkAgainst(schema, data);
    if (issues.length > 0)
      throw new InvalidDataError(
        `${doing} "${subject}": the data does not fit its schema: ${describeIssues(issues)}`,
        issues,
      );
    const bytes = encodeData(data, `the data for "${subject}"`);
    const most = connection.info?.max_payload ?? Number.POSITIVE_INFINITY;
    if (bytes.length > most)
      throw new ClientError(
        413,
        `${doing} "${subject}": ${bytes.length} bytes are more than the server takes (${most})`,
      );
    return { subject, bytes };
  }

  async function publish(target: Target, data: unknown, options: ClientPublishOptions = {}) {
    checkOptions(options, PUBLISH_OPTIONS, "publish");
    const { subject, bytes } = await outgoing(target, data, "publish to");
    const timeoutMs = options.timeout === undefined ? longestMs : readTimeout(options.timeout);
    const id = options.id ?? nuid.next();
    const ttl = readTtl(options);
    const later = laterOf(options, app, Date.now());
    if (later !== undefined) {
      const headers = encodeHeaders(options.headers);
      return answered(`publish to "${subject}" with \`delay\` or \`at\``, timeoutMs, "confirmation", async () => {
        const stream = await streams.find(subject);
        return storeLater(connection, { ...later, subject, bytes, headers, id, stream, timeoutMs });
      });
    }
    const headers = encodeHeaders(options.headers, {
      "Nats-Msg-Id": id,
      ...(ttl === undefined ? {} : { [TTL_HEADER]: ttl }),
    });
    return answered(`publish to "${subject}"`, timeoutMs, "confirmation", async () => {
      const stream = await streams.find(subject);
      if (ttl !== undefined && (stream === undefined || !(await streams.allowsTtl(stream))))
        throw new ClientError(400, ttlRefusal(subject, stream));
      if (stream !== undefined)
        return storedBy(
          subject,
          await store(() => connection.request(subject, bytes, { headers, timeout: timeoutMs })),
        );
      connection.publish(subject, bytes, { headers });
      await connection.flush();
      return undefined;
    });
  }

  async function request(target: Target, data?: unknown, options: AskOptions = {}): Promise<unknown> {
    checkOptions(options, REQUEST_OPTIONS, "request");
    const { subject, bytes } = await outgoing(target, data, "request to");
    const timeout = options.timeout === undefined ? longestMs : readTimeout(options.timeout);
    const headers = encodeHeaders(options.headers);
    const reply = await answered(`request to "${subject}"`, timeout, "reply", async () => {
      const stream = await streams.find(subject);
      if (stream !== undefined) throw takenByStream(subject, stream);
      return connection.request(subject, bytes, { headers, timeout });
    });
    const value = readReply(reply, subject, options.payload ?? "json");
    const schema = typeof target === "string" ? undefined : target.reply;
    if (schema === undefined) return value;
    const checked = await checkAgainst(schema, value);
    if (checked.issues.length === 0) return checked.value;
    const message = `the reply to the request to "${subject}" does not fit its schema: ${describeIssues(checked.issues)}`;
    throw new ReplyError(502, message, checked.issues);
  }

  return { publish, request: request as Client["request"] };
}

function takenByStream(subject: string, stream: string): ClientError {
  const message = `request to "${subject}": stream "${stream}" takes this subject, and would answer before any handler could. Publish to it, or request a subject that no stream takes`;
  return new ClientError(400, message);
}

async function answered<T>(what: string, timeoutMs: number, awaited: string, step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    if (error instanceof ClientError) throw error;
    const cause = causeOf(error);
    const failed = (code: number, message: string) => new ClientError(code, `${what}: ${message}`, { cause: error });
    if (cause instanceof errors.NoRespondersError) throw failed(503, "nobody takes this subject");
    if (cause instanceof errors.TimeoutError) throw failed(504, `no ${awaited} within ${timeoutMs} ms`);
    if (cause instanceof errors.ClosedConnectionError) throw failed(503, "the connection is closed");
    throw failed(500, messageOf(cause));
  }
}

function subjectOf(target: Target): string {
  const subject: unknown = typeof target === "string" ? target : (target as { subject?: unknown } | null)?.subject;
  const problem = typeof subject === "string" ? publishSubjectProblem(subject) : "must be a text, or an event's";
  if (problem === undefined) return subject as string;
  throw new ClientError(400, `the subject ${problem}; received ${JSON.stringify(subject)}`);
}

function checkOptions(options: object, known: readonly string[], method: string): void {
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  throw new ClientError(400, `${method} has no option ${JSON.stringify(unknown)}. It has: ${known.join(", ")}`);
}

/** What the header says. Throws a ClientError (400). */
function readTtl({ ttl }: ClientPublishOptions): string | undefined {
  if (ttl === undefined) return undefined;
  const value = ttlValue(parseDuration(ttl) ?? 0);
  if (value !== undefined) return value;
  throw new ClientError(400, `ttl ${JSON.stringify(ttl)} is not a duration such as "10m", of "1s" at least`);
}

function readTimeout(text: Duration): number {
  const timeoutMs = parseDuration(text);
  if (timeoutMs !== undefined) return timeoutMs;
  throw new ClientError(400, `timeout ${JSON.stringify(text)} is not a duration such as "5s"`);
}
