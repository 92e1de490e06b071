// What a client publishes with `delay` or `at`: it waits where what handlers publish so waits, and leaves as that does.

import { errors, type MsgHdrs, type NatsConnection } from "@nats-io/nats-core";
import { ClientError } from "./client-errors.ts";
import type { ClientPublishOptions } from "./client-options.ts";
import { causeOf, type Stored, store, storedBy } from "./client-stored.ts";
import { parseDuration } from "./duration.ts";
import {
  BY_HAND,
  isTakenUp,
  LATER_PREFIX,
  LONGEST_LATER_MS,
  laterStream,
  wakeSubject,
  windowOf,
  windowSubject,
} from "./later-place.ts";

export interface Leaving {
  /** Whose replicas publish it. */
  readonly app: string;
  /** When it is due, by the server's time in milliseconds since the Unix epoch. */
  readonly dueMs: (serverMs: number) => number;
}

export interface LaterPublish extends Leaving {
  /** Where it is published to then. */
  readonly subject: string;
  /** Its payload. */
  readonly bytes: Uint8Array;
  /** Its own, to which what it is kept with is added. */
  readonly headers: MsgHdrs;
  /** As the caller gave it, or a fresh one. */
  readonly id: string;
  /** The stream that takes the subject now. */
  readonly stream: string | undefined;
  /** Longest wait for each answer of the server, in milliseconds. */
  readonly timeoutMs: number;
}

/** Subject, id and protocol beside headers and payload. */
const SPARE_BYTES = 1_024;
const NO_STREAM = 10059;

/** Undefined: at once. Throws a ClientError (400). */
export function laterOf(
  { delay, at, ttl }: ClientPublishOptions,
  app: string | undefined,
  nowMs: number,
): Leaving | undefined {
  if ([delay, at, ttl].filter((said) => said !== undefined).length > 1)
    throw refused("`delay`, `at` and `ttl` exclude each other: say one of them");
  const aheadMs = delay === undefined ? at && timeOf(at) - nowMs : lengthOf(delay);
  if (aheadMs === undefined || aheadMs <= 0) return undefined;
  if (aheadMs > LONGEST_LATER_MS) throw refused("`delay` and `at` reach 366 days ahead at most");
  if (app === undefined)
    throw refused("`delay` and `at` need an app that publishes then: createClient(connection, { app })");
  return { app, dueMs: (serverMs) => at?.getTime() ?? Math.ceil(serverMs + aheadMs) };
}

/** Rejects with a ClientError, or as the connection does. */
export async function storeLater(connection: NatsConnection, publish: LaterPublish): Promise<Stored> {
  const { app, subject, bytes, headers, id, stream, timeoutMs } = publish;
  const serverMs = await serverTime(connection, publish);
  const dueMs = publish.dueMs(serverMs());
  const window = windowOf(dueMs);
  // A client's ids are apart from those that handlers' calls have.
  const laterId = `${BY_HAND}:${id}`;
  const said = { Target: subject, Due: new Date(dueMs).toISOString(), Id: laterId, By: BY_HAND, Stream: stream };
  for (const [name, value] of Object.entries(said))
    if (value !== undefined) headers.set(`${LATER_PREFIX}${name}`, value);
  headers.set("Nats-Msg-Id", `${app}:${laterId}`);
  refuseTooLarge(connection, publish);
  const options = { headers, timeout: timeoutMs };
  const stored = storedBy(subject, await store(() => connection.request(windowSubject(app, window), bytes, options)));
  // Replicas find those that have time by themselves.
  if (isTakenUp(window, serverMs())) connection.publish(wakeSubject(app), windowSubject(app, window));
  return stored;
}

/** What the server's clock shows, at the latest; ours, where it does not say (before 2.10). The stream must be there. */
async function serverTime(connection: NatsConnection, { app, timeoutMs }: LaterPublish): Promise<() => number> {
  const name = laterStream(app);
  const askedAtMs = performance.now();
  const reply = await connection
    .request(`$JS.API.STREAM.INFO.${name}`, "", { timeout: timeoutMs })
    .catch((error: unknown) => {
      if (!(causeOf(error) instanceof errors.NoRespondersError)) throw error;
      const message = "`delay` and `at` need JetStream, in which it waits, and there is none here";
      throw new ClientError(501, message, { cause: error });
    });
  const { ts, error } = reply.json<{ ts?: string; error?: { err_code: number; description: string } }>();
  if (error?.err_code === NO_STREAM) {
    const message = `there is no stream "${name}" for it to wait in: nothing was stored. \`handlers start --provision\` of app "${app}" makes it`;
    throw new ClientError(503, message);
  }
  if (error !== undefined) throw new ClientError(500, `stream "${name}" cannot be looked up: "${error.description}"`);
  const toldMs = Date.parse(ts ?? "");
  return Number.isNaN(toldMs) ? Date.now : () => toldMs + performance.now() - askedAtMs;
}

function refuseTooLarge(connection: NatsConnection, { subject, bytes, headers }: LaterPublish): void {
  const most = connection.info?.max_payload ?? Number.POSITIVE_INFINITY;
  let size = bytes.length + SPARE_BYTES;
  for (const [name, values] of headers) for (const value of values) size += name.length + 3 * value.length + 4;
  if (size <= most) return;
  const message = `publish to "${subject}": ${size} bytes, with what it is kept with, are more than the server takes (${most})`;
  throw new ClientError(413, message);
}

function lengthOf(delay: unknown): number {
  const delayMs = typeof delay === "string" ? parseDuration(delay) : undefined;
  if (delayMs !== undefined) return delayMs;
  throw refused(`delay ${JSON.stringify(delay)} is not a duration such as "10m"`);
}

function timeOf(at: unknown): number {
  const atMs = at instanceof Date ? at.getTime() : Number.NaN;
  if (!Number.isNaN(atMs)) return atMs;
  throw refused("`at` must be a Date that stands for a time");
}

function refused(message: string): ClientError {
  return new ClientError(400, message);
}
