// Sends dead letters again, each to the one handler that failed it, or on the way that it failed on.
//
// V1  A letter is removed only when the redrive is stored.
// V2  The redrive's message id is made from the letter, and the stream of redrives remembers ids for a day, or as long as
//     the server lets it: a redrive that was interrupted between the two can be run again, and the message is run once.

import { createHash } from "node:crypto";
import {
  DiscardPolicy,
  type JetStreamClient,
  type JetStreamManager,
  RetentionPolicy,
  StorageType,
} from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { type Clock, delay } from "../clock.ts";
import { jetStreamOf, managerOf } from "../nats/jetstream.ts";
import { jetStreamError } from "../nats/jetstream-errors.ts";
import { ensureOwnStream } from "../streams/own-stream.ts";
import { mendedHeaders, readLetter, redriveHeaders, redriveSubject } from "./dead-letter.ts";
import type { DeadLetterBox } from "./dead-letter-box.ts";
import { redriveStream, redriveSubjects } from "./redrive-watch.ts";

export interface RedriveOptions {
  readonly connection: NatsConnection;
  readonly app: string;
  readonly box: DeadLetterBox;
  readonly clock: Clock;
  /** Of the stream of redrives, should it have to be made. */
  readonly copies: number;
  /** Letters per second; undefined: as fast as it goes. */
  readonly rate: number | undefined;
  readonly onProgress?: (done: number) => void;
  /** Stops between letters; what is under way is finished. */
  readonly signal?: AbortSignal;
}

export interface RedriveResult {
  readonly redriven: number;
  /** Not there any more. */
  readonly missing: number;
}

const AT_ONCE = 32;
const MAX_BYTES = 256 * 1024 ** 2;
const NS_PER_DAY = 86_400_000_000_000;
const TRIES = 3;

/** Oldest first. Rejects with STREAM_REFUSED or NATS_REFUSED; what was not redriven then is still a dead letter. */
export async function redrive(ids: readonly number[], options: RedriveOptions): Promise<RedriveResult> {
  const { connection, app, clock, rate, signal } = options;
  const result = { redriven: 0, missing: 0 };
  if (ids.length === 0) return result;
  const oldestFirst = [...new Set(ids)].sort((a, b) => a - b);
  try {
    await ensureRedriveStream(await managerOf(connection), app, options.copies);
    const js = jetStreamOf(connection);
    const lot = rate === undefined ? AT_ONCE : Math.max(1, Math.min(AT_ONCE, Math.floor(rate / 10)));
    const startedAtMs = clock.monotonicMs();
    for (let at = 0; at < oldestFirst.length && !signal?.aborted; at += lot) {
      const dueMs = rate === undefined ? 0 : (at / rate) * 1_000;
      const aheadMs = startedAtMs + dueMs - clock.monotonicMs();
      if (aheadMs > 0) await delay(clock, aheadMs, signal);
      if (signal?.aborted) break;
      const sent = await Promise.all(oldestFirst.slice(at, at + lot).map((id) => redriveOne(id, js, options)));
      for (const wasThere of sent) result[wasThere ? "redriven" : "missing"]++;
      options.onProgress?.(result.redriven + result.missing);
    }
    return result;
  } catch (error) {
    throw jetStreamError(error, {
      connection,
      code: "STREAM_REFUSED",
      doing: "the dead letters could not be redriven",
    });
  }
}

/**
 * One letter, with a payload that somebody has mended: it keeps its id and headers, and goes to the one handler. False when there
 * is no such letter, or it cannot be another one: what was to leave and did not is sent as it is. Rejects as `redrive` does.
 */
export async function redriveMended(
  id: number,
  data: Uint8Array,
  options: Pick<RedriveOptions, "connection" | "app" | "box" | "copies">,
): Promise<boolean> {
  const { connection, app, box, copies } = options;
  try {
    const stored = await box.stored(id);
    const letter = readLetter(stored?.header);
    if (stored === undefined || letter === undefined || letter.returnTo !== undefined) return false;
    await ensureRedriveStream(await managerOf(connection), app, copies);
    const mark = createHash("sha256").update(data).digest("base64url").slice(0, 12);
    await jetStreamOf(connection).publish(redriveSubject(app, letter.handler), data, {
      headers: mendedHeaders(stored.header),
      msgID: `redrive:${id}:${stored.time.getTime()}:${mark}`,
      retries: TRIES,
    });
    await box.remove(id, { keepParts: true });
    return true;
  } catch (error) {
    throw jetStreamError(error, {
      connection,
      code: "STREAM_REFUSED",
      doing: `dead letter ${id} could not be redriven`,
    });
  }
}

/** V1, V2. False when there is no such letter. */
async function redriveOne(id: number, js: JetStreamClient, { app, box }: RedriveOptions): Promise<boolean> {
  const stored = await box.stored(id);
  const letter = readLetter(stored?.header);
  if (stored === undefined || letter === undefined) return false;
  // The time keeps ids apart when the dead-letter stream was made anew and counts from 1 again.
  const msgID = `redrive:${id}:${stored.time.getTime()}`;
  const headers = redriveHeaders(stored.header);
  await js.publish(letter.returnTo ?? redriveSubject(app, letter.handler), stored.data, {
    headers,
    msgID,
    retries: TRIES,
  });
  // The parts of a large letter stay where the handler reads them, and go when they are as old as letters may be.
  await box.remove(id, { keepParts: true });
  return true;
}

export async function ensureRedriveStream(jsm: JetStreamManager, app: string, copies: number): Promise<void> {
  const config = {
    name: redriveStream(app),
    description: `dead letters of app ${app} on their way back to their handlers`,
    subjects: [redriveSubjects(app)],
    retention: RetentionPolicy.Workqueue,
    storage: StorageType.File,
    // Full: the letter stays where it is.
    discard: DiscardPolicy.New,
  };
  await ensureOwnStream(jsm, config, {
    max_bytes: MAX_BYTES,
    num_replicas: copies,
    duplicate_window: NS_PER_DAY,
  });
}
