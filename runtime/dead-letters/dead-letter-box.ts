// What an operator does with dead letters: list, show, remove, purge. Redriving is in redrive.ts.

import { AckPolicy, DeliverPolicy, type JetStreamManager, type StoredMsg } from "@nats-io/jetstream";
import type { MsgHdrs, NatsConnection } from "@nats-io/transport-node";
import { systemClock } from "../clock.ts";
import { RuntimeError } from "../errors.ts";
import { jetStreamOf, managerOf } from "../nats/jetstream.ts";
import { ApiCode, isApiError, isNoAnswer, jetStreamError } from "../nats/jetstream-errors.ts";
import { isNotNow, Patience } from "../nats/patience.ts";
import { parseAckSubject } from "../streams/ack-subject.ts";
import { earlierLetterSubject, letterSubject, partSubject, type ReadLetter, readLetter } from "./dead-letter.ts";
import { contentOf } from "./letter-parts.ts";
import { placeIn } from "./letter-place.ts";
import { deadLetterStream } from "./letter-store.ts";

export interface LetterSummary extends Omit<ReadLetter, "headers" | "stack" | "body" | "parts"> {
  /** Its sequence in the dead-letter stream. */
  readonly id: number;
  readonly keptAtMs: number;
  /** `handlers/todo/save.ts:12:9`: the first line of its stack that is no package's and not Node's; undefined: it has none. */
  readonly place: string | undefined;
}

export interface LetterDetails extends Omit<ReadLetter, "parts"> {
  readonly id: number;
  readonly keptAtMs: number;
  /** As in the summary. */
  readonly place: string | undefined;
  /** `body` says where it is from; empty when it is not to be had any more. */
  readonly data: Uint8Array;
  /** The payload is not to be had any more. */
  readonly gone: boolean;
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
/** A cluster may put the reader on a server that is away, and never answer then (2.9). */
const READER_WAIT_MS = 20_000;
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
    this.manager = managerOf(connection);
  }

  /** Newest first. Reads headers only. Without a dead-letter stream there are none. */
  async list(query: LetterQuery = {}): Promise<LetterSummary[]> {
    const { reason, limit = Number.POSITIVE_INFINITY } = query;
    const found: LetterSummary[] = [];
    await this.asked("the dead letters could not be listed", async () => {
      for await (const letter of this.read(query)) {
        if (reason !== undefined && letter.reason !== reason) continue;
        found.push(letter);
        if (found.length >= 2 * limit) found.sort(byId).splice(0, found.length - limit);
      }
    });
    return found.sort(byId).reverse().slice(0, limit);
  }

  /** Undefined when there is no such letter. */
  async show(id: number): Promise<LetterDetails | undefined> {
    return this.asked(`dead letter ${id} could not be read`, async () => {
      const stored = await this.stored(id);
      const letter = readLetter(stored?.header);
      if (stored === undefined || letter === undefined) return undefined;
      const { parts: _parts, ...rest } = letter;
      const content = await contentOf(await this.manager, this.stream, letter, stored.data);
      const { data, headers } = content ?? { data: new Uint8Array(0), headers: letter.headers };
      const place = placeIn(letter.stack);
      return { ...rest, headers, id, keptAtMs: stored.time.getTime(), place, data, gone: content === undefined };
    });
  }

  /**
   * False when there was no such letter.
   *
   * @param keepParts remove the letter alone: its parts are still to be read
   */
  async remove(id: number, { keepParts = false }: { readonly keepParts?: boolean } = {}): Promise<boolean> {
    return this.asked(`dead letter ${id} could not be removed`, async () => {
      const letter = keepParts ? undefined : readLetter((await this.stored(id))?.header);
      const removed = await this.removeMessage(id);
      for (const part of [letter?.parts.payload, letter?.parts.headers]) {
        if (part !== undefined) await this.removeMessage(part);
      }
      return removed;
    });
  }

  /** Remove all letters, or those of one handler. Resolves with how many there were. */
  async purge({ handler }: { readonly handler?: string | undefined } = {}): Promise<number> {
    return this.asked("the dead letters could not be purged", async () => {
      if (handler !== undefined && sharedOnce(this.app, handler)) return this.removeAll(handler);
      const jsm = await this.manager;
      const { app, stream } = this;
      const purge = (filter?: string) => jsm.streams.purge(stream, filter === undefined ? undefined : { filter });
      try {
        await purge(handler === undefined ? `dlq.${app}.$part.>` : partSubject(app, handler));
        return (await purge(handler === undefined ? undefined : letterSubject(app, handler))).purged;
      } catch (error) {
        return noneWithoutStream(0)(error);
      }
    });
  }

  /** One by one: others' may lie beside them. */
  private async removeAll(handler: string): Promise<number> {
    const letters = await this.list({ handler });
    let removed = 0;
    for (const { id } of letters) if (await this.remove(id)) removed++;
    return removed;
  }

  private async removeMessage(seq: number): Promise<boolean> {
    const jsm = await this.manager;
    return jsm.streams.deleteMessage(this.stream, seq, false).catch((error: unknown) => {
      if (isApiError(error, ...NOT_THERE)) return false;
      throw error;
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

  /** In the order in which they were kept, but for those of earlier subjects, which come last. */
  private async *read({ handler, sinceMs }: LetterQuery): AsyncGenerator<LetterSummary> {
    const { app } = this;
    if (handler === undefined) return yield* this.readUnder(`dlq.${app}.>`, sinceMs);
    for (const subject of new Set([letterSubject(app, handler), earlierLetterSubject(app, handler)])) {
      for await (const letter of this.readUnder(subject, sinceMs)) if (letter.handler === handler) yield letter;
    }
  }

  private async *readUnder(subject: string, sinceMs: number | undefined): AsyncGenerator<LetterSummary> {
    const jsm = await this.manager;
    const config = {
      ack_policy: AckPolicy.None,
      headers_only: true,
      mem_storage: true,
      inactive_threshold: READER_KEPT_NS,
      filter_subject: subject,
      ...(sinceMs === undefined
        ? { deliver_policy: DeliverPolicy.All }
        : { deliver_policy: DeliverPolicy.StartTime, opt_start_time: new Date(sinceMs).toISOString() }),
    };
    const isLater = (error: unknown) => isNotNow(error) && !isNoAnswer(error);
    const reader = await new Patience(systemClock, READER_WAIT_MS)
      .surely(() => jsm.consumers.add(this.stream, config), isLater)
      .catch(noneWithoutStream(undefined));
    if (reader === undefined) return;
    try {
      yield* this.drain(reader.name, reader.num_pending);
    } finally {
      await jsm.consumers.delete(this.stream, reader.name).catch(() => false); // It goes by itself after a while.
    }
  }

  private async *drain(reader: string, count: number): AsyncGenerator<LetterSummary> {
    const consumer = await jetStreamOf(this.connection).consumers.get(this.stream, reader);
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

  private async asked<T>(doing: string, step: () => Promise<T>): Promise<T> {
    try {
      return await step();
    } catch (error) {
      if (error instanceof RuntimeError) throw error;
      throw jetStreamError(error, { connection: this.connection, code: "STREAM_REFUSED", doing });
    }
  }
}

/** Oldest first. */
function byId(a: LetterSummary, b: LetterSummary): number {
  return a.id - b.id;
}

/** Whether letters of another may lie under a subject of the handler's (durable-name.ts, N2), or its own under another's. */
function sharedOnce(app: string, handler: string): boolean {
  const earlier = earlierLetterSubject(app, handler);
  return earlier !== letterSubject(app, handler) || handler.includes("/");
}

function summaryOf(letter: ReadLetter, id: number, keptAtMs: number): LetterSummary {
  const { headers: _headers, stack, body: _body, parts: _parts, ...rest } = letter;
  return { ...rest, id, keptAtMs, place: placeIn(stack) };
}

function noneWithoutStream<T>(none: T): (error: unknown) => T {
  return (error) => {
    if (isApiError(error, ApiCode.streamNotFound)) return none;
    throw error;
  };
}
