// What an operator does with dead letters: list, show, remove, purge. Redriving is in redrive.ts.

import {
  AckPolicy,
  DeliverPolicy,
  type JetStreamManager,
  jetstream,
  jetstreamManager,
  type StoredMsg,
} from "@nats-io/jetstream";
import type { MsgHdrs, NatsConnection } from "@nats-io/transport-node";
import { RuntimeError } from "../errors.ts";
import { parseAckSubject } from "./ack-subject.ts";
import { type LetterBody, letterSubject, type ReadLetter, readLetter } from "./dead-letter.ts";
import { deadLetterStream } from "./dead-letters.ts";
import { ApiCode, isApiError, jetStreamError } from "./jetstream-errors.ts";

export interface LetterSummary extends Omit<ReadLetter, "headers" | "stack" | "body"> {
  /** Its sequence in the dead-letter stream. */
  readonly id: number;
  readonly keptAtMs: number;
}

export interface LetterDetails extends ReadLetter {
  readonly id: number;
  readonly keptAtMs: number;
  /** `body` says where it is from; empty when it is not to be had any more. */
  readonly data: Uint8Array;
}

export interface LetterQuery {
  readonly handler?: string | undefined;
  readonly reason?: string | undefined;
  /** Only letters kept at this time or later, in milliseconds since the Unix epoch. */
  readonly sinceMs?: number | undefined;
  /** Most letters listed. */
  readonly limit?: number | undefined;
}

const NOT_THERE = [ApiCode.nothingThere, ApiCode.sequenceNotFound, ApiCode.messageNotFound, ApiCode.streamNotFound];
const BATCH = 2_000;
const READ_WAIT_MS = 10_000;
const READER_KEPT_NS = 30_000_000_000;

export class DeadLetterBox {
  private readonly connection: NatsConnection;
  private readonly app: string;
  private readonly stream: string;
  private readonly manager: Promise<JetStreamManager>;

  constructor(connection: NatsConnection, app: string) {
    this.connection = connection;
    this.app = app;
    this.stream = deadLetterStream(app);
    this.manager = jetstreamManager(connection, { checkAPI: false });
  }

  /** Newest first. Reads headers only. Without a dead-letter stream there are none. */
  async list(query: LetterQuery = {}): Promise<LetterSummary[]> {
    const { reason, limit = Number.POSITIVE_INFINITY } = query;
    const found: LetterSummary[] = [];
    await this.asked("the dead letters could not be listed", async () => {
      for await (const letter of this.read(query)) {
        if (reason !== undefined && letter.reason !== reason) continue;
        found.push(letter);
        if (found.length >= 2 * limit) found.splice(0, found.length - limit);
      }
    });
    return found.reverse().slice(0, limit);
  }

  /** Undefined when there is no such letter. */
  async show(id: number): Promise<LetterDetails | undefined> {
    return this.asked(`dead letter ${id} could not be read`, async () => {
      const stored = await this.stored(id);
      const letter = readLetter(stored?.header);
      if (stored === undefined || letter === undefined) return undefined;
      const data = letter.body === "in-stream" ? await this.bodyInStream(letter) : stored.data;
      return { ...letter, id, keptAtMs: stored.time.getTime(), data };
    });
  }

  /** False when there was no such letter. */
  async remove(id: number): Promise<boolean> {
    return this.asked(`dead letter ${id} could not be removed`, async () => {
      const jsm = await this.manager;
      return jsm.streams.deleteMessage(this.stream, id, false).catch((error: unknown) => {
        if (isApiError(error, ...NOT_THERE)) return false;
        throw error;
      });
    });
  }

  /** Remove all letters, or those of one handler. Resolves with how many there were. */
  async purge({ handler }: { readonly handler?: string | undefined } = {}): Promise<number> {
    return this.asked("the dead letters could not be purged", async () => {
      const jsm = await this.manager;
      const options = handler === undefined ? undefined : { filter: letterSubject(this.app, handler) };
      const { purged } = await jsm.streams.purge(this.stream, options).catch(noneWithoutStream({ purged: 0 }));
      return purged;
    });
  }

  /** As it is stored, for redriving. */
  async stored(id: number): Promise<{ header: MsgHdrs; data: Uint8Array; time: Date; subject: string } | undefined> {
    const jsm = await this.manager;
    const found: StoredMsg | null = await jsm.streams
      .getMessage(this.stream, { seq: id })
      .catch(noneWithoutStream(null));
    return found ?? undefined;
  }

  private async *read({ handler, sinceMs }: LetterQuery): AsyncGenerator<LetterSummary> {
    const jsm = await this.manager;
    const reader = await jsm.consumers
      .add(this.stream, {
        ack_policy: AckPolicy.None,
        headers_only: true,
        mem_storage: true,
        inactive_threshold: READER_KEPT_NS,
        filter_subject: handler === undefined ? `dlq.${this.app}.>` : letterSubject(this.app, handler),
        ...(sinceMs === undefined
          ? { deliver_policy: DeliverPolicy.All }
          : { deliver_policy: DeliverPolicy.StartTime, opt_start_time: new Date(sinceMs).toISOString() }),
      })
      .catch(noneWithoutStream(undefined));
    if (reader === undefined) return;
    try {
      yield* this.drain(reader.name, reader.num_pending);
    } finally {
      await jsm.consumers.delete(this.stream, reader.name).catch(() => false); // It goes by itself after a while.
    }
  }

  private async *drain(reader: string, count: number): AsyncGenerator<LetterSummary> {
    const consumer = await jetstream(this.connection).consumers.get(this.stream, reader);
    let left = count;
    while (left > 0) {
      const batch = await consumer.fetch({ max_messages: Math.min(BATCH, left), expires: READ_WAIT_MS });
      let got = 0;
      for await (const message of batch) {
        got++;
        const info = parseAckSubject((message as { reply?: string }).reply ?? "");
        const letter = readLetter(message.headers);
        if (letter !== undefined) yield summaryOf(letter, message.seq, info?.storedAtMs ?? message.time.getTime());
      }
      if (got === 0) return; // Removed meanwhile.
      left -= got;
    }
  }

  private async bodyInStream({ stream, sequence }: { stream: string | undefined; sequence: number; body: LetterBody }) {
    const jsm = await this.manager;
    const found =
      stream === undefined ? null : await jsm.streams.getMessage(stream, { seq: sequence }).catch(() => null);
    return found?.data ?? new Uint8Array(0);
  }

  private async asked<T>(doing: string, step: () => Promise<T>): Promise<T> {
    try {
      return await step();
    } catch (error) {
      if (error instanceof RuntimeError) throw error;
      throw jetStreamError(error, { connection: this.connection, code: "STREAM_REFUSED", doing });
    }
  }
}

function summaryOf(letter: ReadLetter, id: number, keptAtMs: number): LetterSummary {
  const { headers: _headers, stack: _stack, body: _body, ...rest } = letter;
  return { ...rest, id, keptAtMs };
}

function noneWithoutStream<T>(none: T): (error: unknown) => T {
  return (error) => {
    if (isApiError(error, ApiCode.streamNotFound)) return none;
    throw error;
  };
}
