// What `import ... from "nats-handlers/client"` gives: for applications that publish and ask, and run no handlers. In browsers
// too, over WebSocket.

import { errors, type Msg, type NatsConnection, nuid } from "@nats-io/nats-core";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { ClientError, InvalidDataError, ReplyError } from "./client-errors.ts";
import { checkAgainst, encodeData, encodeHeaders, issuesText, messageOf, readReply } from "./client-payload.ts";
import { TakingStreams } from "./client-streams.ts";
import type { AskOptions, HeadersInput, Publishable } from "./context.ts";
import type { EventDefinition, PublishedOf } from "./define-event.ts";
import type { ReplyOf, RequestDefinition } from "./define-request.ts";
import { type Duration, parseDuration } from "./duration.ts";
import { publishSubjectProblem } from "./subject.ts";

export { ClientError, type ClientIssue, InvalidDataError, ReplyError } from "./client-errors.ts";

export interface ClientOptions {
  /** Longest wait where a call does not say otherwise. Default `"5s"`. */
  readonly timeout?: Duration | undefined;
}

export interface ClientPublishOptions {
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

/** Where a stream has stored a message. */
export interface Stored {
  /** Name of the stream. */
  readonly stream: string;
  /** The message's number in it. */
  readonly seq: number;
  /** It had a message of this id already, and has not stored another. */
  readonly duplicate: boolean;
}

export interface Client {
  /**
   * Publish to a subject (any data) or an event (data of its schema's input type, checked before anything is sent). Data is
   * sent as JSON, bytes (`Uint8Array`) as they are.
   *
   * Resolves with where it is stored, when a stream takes the subject: no handler of kind `durable` misses it then. Else
   * with undefined, when the server has it; it is gone if nobody listens. Rejects with InvalidDataError, or with ClientError:
   * 400 no such subject or option, 409 the stream refuses it, 413 too large, 503 not connected, 504 not confirmed in time
   * (it may be stored: publish it again with the same `id`), 507 the stream takes nothing now.
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
  request<const Definition extends RequestDefinition>(
    definition: Publishable<Definition>,
    data: PublishedOf<Definition>,
    options?: AskOptions,
  ): Promise<ReplyOf<Definition>>;
  request<Reply = unknown>(subject: string, data?: unknown, options?: AskOptions): Promise<Reply>;
  request<Event extends EventDefinition, Reply = unknown>(
    event: Publishable<Event>,
    data: PublishedOf<Event>,
    options?: AskOptions,
  ): Promise<Reply>;
}

type Target =
  | string
  | { readonly subject: string; readonly schema?: StandardSchemaV1; readonly reply?: StandardSchemaV1 };

const DEFAULT_TIMEOUT = "5s";
const STORE_TRIES = 3;
const PUBLISH_OPTIONS = ["headers", "timeout", "id"];
const REQUEST_OPTIONS = ["headers", "timeout", "payload"];
const BETWEEN_TRIES_MS = 250;
/** What JetStream answers for a stream that is full, away, or in an election (nats-server, server/errors.json). */
const TAKES_NOTHING_NOW = new Set([10004, 10008, 10009, 10023, 10028, 10047, 10077, 10118, 10119]);

/**
 * A client on a connection of yours (`connect` of `@nats-io/transport-node`, `wsconnect` of `@nats-io/nats-core`): it publishes
 * and asks as handlers do, typed and checked by the same definitions. The connection stays yours: close it yourself.
 *
 * Throws a ClientError (400) for a timeout that is no duration.
 */
export function createClient(connection: NatsConnection, { timeout = DEFAULT_TIMEOUT }: ClientOptions = {}): Client {
  const longestMs = readTimeout(timeout);
  const streams = new TakingStreams(connection);

  async function outgoing(target: Target, data: unknown, doing: string) {
    const subject = subjectOf(target);
    const schema = typeof target === "string" ? undefined : target.schema;
    const { issues } = schema === undefined ? { issues: [] } : await checkAgainst(schema, data);
    if (issues.length > 0)
      throw new InvalidDataError(
        `${doing} "${subject}": the data does not fit its schema: ${issuesText(issues)}`,
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
    const headers = encodeHeaders(options.headers, { "Nats-Msg-Id": options.id ?? nuid.next() });
    return answered(`publish to "${subject}"`, timeoutMs, "confirmation", async () => {
      if ((await streams.find(subject)) !== undefined)
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
    const message = `the reply to the request to "${subject}" does not fit its schema: ${issuesText(checked.issues)}`;
    throw new ReplyError(502, message, checked.issues);
  }

  return { publish, request: request as Client["request"] };
}

/** By its id it is stored once, however often it is sent. */
async function store(send: () => Promise<Msg>): Promise<Msg> {
  for (let left = STORE_TRIES - 1; ; left--) {
    try {
      return await send();
    } catch (error) {
      if (left === 0 || !(causeOf(error) instanceof errors.NoRespondersError)) throw error;
      await new Promise((resolve) => setTimeout(resolve, BETWEEN_TRIES_MS)); // Nobody leads it now.
    }
  }
}

interface PubAck {
  readonly stream?: string;
  readonly seq?: number;
  readonly duplicate?: boolean;
  readonly error?: { readonly err_code: number; readonly description: string };
}

function storedBy(subject: string, reply: Msg): Stored {
  const { stream, seq, duplicate = false, error } = reply.json<PubAck>();
  if (error !== undefined) {
    const code = TAKES_NOTHING_NOW.has(error.err_code) ? 507 : 409;
    throw new ClientError(code, `publish to "${subject}": its stream did not take it: "${error.description}"`);
  }
  if (stream !== undefined && seq !== undefined) return { stream, seq, duplicate };
  throw new ClientError(500, `publish to "${subject}": it was answered by something that is no stream`);
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

function causeOf(error: unknown): unknown {
  return error instanceof errors.RequestError ? (error.cause ?? error) : error;
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

function readTimeout(text: Duration): number {
  const timeoutMs = parseDuration(text);
  if (timeoutMs !== undefined) return timeoutMs;
  throw new ClientError(400, `timeout ${JSON.stringify(text)} is not a duration such as "5s"`);
}
