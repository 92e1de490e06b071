// A publish that a stream takes, and what the stream says of it.

import { errors, type Msg } from "@nats-io/nats-core";
import { ClientError } from "./client-errors.ts";

/** Where a stream has stored a message. */
export interface Stored {
  /** Name of the stream. */
  readonly stream: string;
  /** The message's number in it. */
  readonly seq: number;
  /** It had a message of this id already, and has not stored another. */
  readonly duplicate: boolean;
}

interface PubAck {
  readonly stream?: string;
  readonly seq?: number;
  readonly duplicate?: boolean;
  readonly error?: { readonly err_code: number; readonly description: string };
}

const STORE_TRIES = 3;
const BETWEEN_TRIES_MS = 250;
/** What JetStream answers for a stream that is full, away, or in an election (nats-server, server/errors.json). */
const TAKES_NOTHING_NOW = new Set([10004, 10008, 10009, 10023, 10028, 10047, 10077, 10118, 10119]);

/** By its id it is stored once, however often it is sent. */
export async function store(send: () => Promise<Msg>): Promise<Msg> {
  for (let left = STORE_TRIES - 1; ; left--) {
    try {
      return await send();
    } catch (error) {
      if (left === 0 || !(causeOf(error) instanceof errors.NoRespondersError)) throw error;
      await new Promise((resolve) => setTimeout(resolve, BETWEEN_TRIES_MS)); // Nobody leads it now.
    }
  }
}

/** Throws a ClientError where the stream has not taken it. */
export function storedBy(subject: string, reply: Msg): Stored {
  const { stream, seq, duplicate = false, error } = reply.json<PubAck>();
  if (error !== undefined) {
    const code = TAKES_NOTHING_NOW.has(error.err_code) ? 507 : 409;
    throw new ClientError(code, `publish to "${subject}": its stream did not take it: "${error.description}"`);
  }
  if (stream !== undefined && seq !== undefined) return { stream, seq, duplicate };
  throw new ClientError(500, `publish to "${subject}": it was answered by something that is no stream`);
}

export function causeOf(error: unknown): unknown {
  return error instanceof errors.RequestError ? (error.cause ?? error) : error;
}
